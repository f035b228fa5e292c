# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server tells of a job, as messages to the main thread. Knows nothing of bpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._api.spoken import stage_text
from .messages import Message, Note, Progress, State, Stated

if TYPE_CHECKING:
    from ._api.v1 import job_pb2


def told(event: job_pb2.JobEvent) -> Message | None:
    """What *event* tells the artist; None for what other messages say better."""
    match event.WhichOneof("kind"):
        case "progress":
            return progress(event.progress)
        case "state_changed":
            return stated(event.state_changed.state)
        case "warning":
            return Note(event.warning.message)
        case _:
            return None


def progress(done: job_pb2.JobProgress) -> Progress:
    remaining_s = done.remaining_seconds if done.HasField("remaining_seconds") else None
    return Progress(done.fraction, stage_text(done), remaining_s)


def stated(state: job_pb2.JobState.ValueType) -> Stated | None:
    """None for the states in which a job has ended."""
    from ._api.v1 import job_pb2

    known = {
        job_pb2.JOB_STATE_QUEUED: State.WAITING,
        job_pb2.JOB_STATE_PREPARING: State.PREPARING,
        job_pb2.JOB_STATE_RUNNING: State.RUNNING,
        job_pb2.JOB_STATE_PAUSING: State.PAUSING,
        job_pb2.JOB_STATE_PAUSED: State.PAUSED,
        job_pb2.JOB_STATE_CANCELLING: State.CANCELLING,
    }.get(state)
    return known and Stated(known)
