# SPDX-License-Identifier: Apache-2.0
"""What a job would cost, and how that is spoken."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_api.v1 import job_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    seconds: tuple[float, float] | None = None  # least and most; None before the first job
    memory_bytes: int = 0  # that it needs
    memory_free_bytes: int = 0
    jobs_ahead: int = 0
    warnings: tuple[str, ...] = ()
    trouble: str = ""  # why there is no estimate; a job would be refused in the same words

    @property
    def text(self) -> str:
        """ "2–4 min · 3.1 GB of memory · after 2 other jobs"."""
        if self.trouble:
            return self.trouble
        time = spoken(self.seconds) if self.seconds else "time not known before the first job"
        parts = [time, f"{size(self.memory_bytes)} of memory"]
        if self.memory_bytes > self.memory_free_bytes > 0:
            parts[1] += f", {size(self.memory_free_bytes)} free"
        if self.jobs_ahead:
            parts.append(f"after {self.jobs_ahead} other job{'s' if self.jobs_ahead > 1 else ''}")
        return " · ".join(parts)


def read(answer: job_pb2.EstimateJobResponse) -> Estimate:
    known = answer.HasField("seconds_low") and answer.HasField("seconds_high")
    return Estimate(
        seconds=(answer.seconds_low, answer.seconds_high) if known else None,
        memory_bytes=answer.memory_needed_bytes,
        memory_free_bytes=answer.memory_free_bytes,
        jobs_ahead=answer.jobs_ahead,
        warnings=tuple(answer.warnings),
    )


def spoken(seconds: tuple[float, float]) -> str:
    """A range of time: "8 s", "8–12 s", "2–4 min", "1.5 h"."""
    unit, divisor, digits = "h", 3600, 1
    if seconds[1] < 100:
        unit, divisor, digits = "s", 1, 0
    elif seconds[1] < 6000:
        unit, divisor, digits = "min", 60, 0
    least = 0.1 if digits else 1
    low, high = (f"{max(each / divisor, least):.{digits}f}" for each in seconds)
    return f"{high} {unit}" if low == high else f"{low}–{high} {unit}"


def size(count_bytes: int) -> str:
    """ "640 MB", "1.2 GB", "24 GB"."""
    if count_bytes < 1e9:
        return f"{count_bytes / 1e6:.0f} MB"
    return f"{count_bytes / 1e9:.{0 if count_bytes >= 1e10 else 1}f} GB"
