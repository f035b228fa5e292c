"""What a job may become, as data, and the one function that changes a job's state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from understudy_api.v1 import job_pb2, types_pb2

from .store.edits import JobEdit, now

QUEUED = job_pb2.JOB_STATE_QUEUED
PREPARING = job_pb2.JOB_STATE_PREPARING
RUNNING = job_pb2.JOB_STATE_RUNNING
CANCELLING = job_pb2.JOB_STATE_CANCELLING
CANCELLED = job_pb2.JOB_STATE_CANCELLED
SUCCEEDED = job_pb2.JOB_STATE_SUCCEEDED
FAILED = job_pb2.JOB_STATE_FAILED

State: TypeAlias = job_pb2.JobState.ValueType

TRANSITIONS: dict[State, frozenset[State]] = {
    QUEUED: frozenset({PREPARING, CANCELLED, FAILED}),
    # Back to QUEUED when a process died or the server ends: the job goes on from its last stored segment.
    PREPARING: frozenset({RUNNING, CANCELLING, QUEUED, FAILED}),
    RUNNING: frozenset({SUCCEEDED, CANCELLING, QUEUED, FAILED}),
    # SUCCEEDED when the result was delivered before the engine saw the wish.
    CANCELLING: frozenset({CANCELLED, SUCCEEDED, FAILED}),
    CANCELLED: frozenset(),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
}

ACTIVE: tuple[State, ...] = (PREPARING, RUNNING, CANCELLING)
TERMINAL: frozenset[State] = frozenset(state for state, following in TRANSITIONS.items() if not following)


def move(
    edit: JobEdit,
    state: State,
    *,
    error: types_pb2.Status | None = None,
    outputs: Sequence[job_pb2.OutputFile] = (),
) -> None:
    """Raises ValueError for a change that TRANSITIONS does not have: a defect of ours."""
    job = edit.job
    if state not in TRANSITIONS[job.state]:
        names = [job_pb2.JobState.Name(each) for each in (job.state, state)]
        raise ValueError(f"{job.name} cannot go from {names[0]} to {names[1]}")
    job.state = state
    if state == PREPARING:
        job.attempt += 1
        if not job.HasField("start_time"):
            job.start_time.CopyFrom(now())
    if state in TERMINAL:
        job.end_time.CopyFrom(now())
        job.progress.ClearField("remaining_seconds")
    if error is not None:
        job.error.CopyFrom(error)
    job.outputs.extend(outputs)
    change = job_pb2.StateChanged(state=state, attempt=job.attempt, error=error, outputs=outputs)
    edit.emit(job_pb2.JobEvent(state_changed=change))
