"""Times, sizes and how far a job is, as a person says them. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .v1 import job_pb2


def time_text(seconds: float) -> str:
    """ "74 s", "12 min", "1.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def seconds_text(seconds: tuple[float, float]) -> str:
    """A range of time: "8 s", "8–12 s", "2–4 min", "1.5 h"."""
    high = seconds[1]
    if high < 100:
        unit, shown = "s", [f"{max(1, round(each))}" for each in seconds]
    elif high < 6000:
        unit, shown = "min", [f"{max(1, round(each / 60))}" for each in seconds]
    else:
        unit, shown = "h", [f"{each / 3600:.1f}" for each in seconds]
    return f"{shown[1]} {unit}" if shown[0] == shown[1] else f"{shown[0]}–{shown[1]} {unit}"


def bytes_text(count: int) -> str:
    """ "640 MB", "1.2 GB", "24 GB"."""
    if count < 1e9:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB" if count < 1e10 else f"{count / 1e9:.0f} GB"


def stage_text(done: job_pb2.JobProgress) -> str:
    """ "part 2 of 3, step 4 of 8"; before the first step what is done for it: "finding the person, frame 12 of 48"."""
    if not done.step and (not done.segments_done or not done.segments_total):
        return done.stage
    part = f"part {min(done.segments_done + 1, done.segments_total)} of {done.segments_total}"
    doing = f"step {done.step} of {done.steps}" if done.step else done.stage
    return f"{part}, {doing}" if doing else part
