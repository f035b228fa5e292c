"""Says an estimate: in one line before a job, or whole for --estimate."""

from __future__ import annotations

from understudy_api.v1 import job_pb2

from .progress import plan_text
from .voice import Voice, as_data, size_text


def say_whole(estimate: job_pb2.EstimateJobResponse, voice: Voice) -> None:
    voice.data({"estimate": as_data(estimate)})
    voice.result(plan_text(estimate.plan), "Plan")
    voice.result(_time(estimate).removeprefix("time "), "Time")
    memory = f"about {size_text(estimate.memory_needed_bytes)}"
    voice.result(f"{memory}, {size_text(estimate.memory_free_bytes)} are free", "Memory")
    if estimate.memory_plan:
        voice.result(estimate.memory_plan, "Fits in with")
    disk = f"about {size_text(estimate.disk_needed_bytes)}"
    voice.result(f"{disk}, {size_text(estimate.disk_free_bytes)} are free", "Disk")
    if estimate.jobs_ahead:
        voice.result(str(estimate.jobs_ahead), "Jobs before it")
    for warning in estimate.warnings:
        voice.warn(warning)


def line(estimate: job_pb2.EstimateJobResponse) -> str:
    """ "Estimated 20 s to 30 s, 0.5 GB of memory, 12.0 MB of disk; 2 jobs before it." """
    need = f"{size_text(estimate.memory_needed_bytes)} of memory, {size_text(estimate.disk_needed_bytes)} of disk"
    count = estimate.jobs_ahead
    ahead = f"; {count} job{'s' if count > 1 else ''} before it" if count else ""
    return f"Estimated {_time(estimate)}, {need}{ahead}."


def _time(estimate: job_pb2.EstimateJobResponse) -> str:
    if not estimate.HasField("seconds_high"):
        return "time unknown until a first job has run"
    low, high = span_text(estimate.seconds_low), span_text(estimate.seconds_high)
    known = low if low == high else f"{low} to {high}"
    return known if estimate.jobs_learned_from else f"{known} (by this card's rates: no job has run yet)"


def span_text(seconds: float) -> str:
    """ "40 s", "3 min", "1 h 20 min": as exact as an estimate can be."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(round(seconds / 600) * 10, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
