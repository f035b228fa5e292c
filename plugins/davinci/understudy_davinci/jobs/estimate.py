# SPDX-License-Identifier: Apache-2.0
"""What a job would cost, and how that is spoken."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_api.spoken import bytes_text, seconds_text
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
        time = seconds_text(self.seconds) if self.seconds else "Time not known before the first job"
        parts = [time, f"{bytes_text(self.memory_bytes)} of memory"]
        if self.memory_bytes > self.memory_free_bytes > 0:
            parts[1] += f", {bytes_text(self.memory_free_bytes)} free"
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
