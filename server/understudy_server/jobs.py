"""What a job may become, as data, and the functions that change a job's state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from understudy_api.v1 import job_pb2, types_pb2

from .errors import JobEnded, JobNotTerminal, ServerError, WorkerCrashed, WorkerHung, to_status
from .store.edits import JobEdit, now

QUEUED = job_pb2.JOB_STATE_QUEUED
PREPARING = job_pb2.JOB_STATE_PREPARING
RUNNING = job_pb2.JOB_STATE_RUNNING
PAUSING = job_pb2.JOB_STATE_PAUSING
PAUSED = job_pb2.JOB_STATE_PAUSED
CANCELLING = job_pb2.JOB_STATE_CANCELLING
CANCELLED = job_pb2.JOB_STATE_CANCELLED
SUCCEEDED = job_pb2.JOB_STATE_SUCCEEDED
FAILED = job_pb2.JOB_STATE_FAILED

ASKED, DISK_FULL = "ASKED", "DISK_FULL"  # Job.pause_reason

CRASHES_ALLOWED = 2  # engine deaths without a new segment

State: TypeAlias = job_pb2.JobState.ValueType

TRANSITIONS: dict[State, frozenset[State]] = {
    QUEUED: frozenset({PREPARING, PAUSED, CANCELLED, FAILED}),
    # Back to QUEUED when a process died or the server ends: the job goes on from its last stored segment.
    PREPARING: frozenset({RUNNING, PAUSING, PAUSED, CANCELLING, QUEUED, FAILED}),
    RUNNING: frozenset({SUCCEEDED, PAUSING, PAUSED, CANCELLING, QUEUED, FAILED}),
    # RUNNING when the artist resumed it before the engine had left it.
    PAUSING: frozenset({PAUSED, RUNNING, CANCELLING, SUCCEEDED, FAILED}),
    PAUSED: frozenset({QUEUED, CANCELLED}),
    # SUCCEEDED when the result was delivered before the engine saw the wish.
    CANCELLING: frozenset({CANCELLED, SUCCEEDED, FAILED}),
    # Back to QUEUED when somebody wants it tried again.
    CANCELLED: frozenset({QUEUED}),
    FAILED: frozenset({QUEUED}),
    SUCCEEDED: frozenset(),
}

ACTIVE: tuple[State, ...] = (PREPARING, RUNNING, PAUSING, CANCELLING)
TERMINAL: frozenset[State] = frozenset({SUCCEEDED, FAILED, CANCELLED})


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
    if state not in (PAUSING, PAUSED):
        job.ClearField("pause_reason")
    if state == PREPARING:
        job.attempt += 1
        if not job.HasField("start_time"):
            job.start_time.CopyFrom(now())
    if state in TERMINAL:
        job.end_time.CopyFrom(now())
    if state in TERMINAL or state == PAUSED:
        job.progress.ClearField("remaining_seconds")
    if error is not None:
        job.error.CopyFrom(error)
    job.outputs.extend(outputs)
    change = job_pb2.StateChanged(state=state, attempt=job.attempt, error=error, outputs=outputs)
    edit.emit(job_pb2.JobEvent(state_changed=change))


def warn(edit: JobEdit, message: str) -> None:
    """Says *message* once."""
    if message not in edit.job.warnings:
        edit.job.warnings.append(message)
        edit.emit(job_pb2.JobEvent(warning=job_pb2.Warning(message=message)))


# ---- What a client may wish ------------------------------------------------------------------------------


def cancel(edit: JobEdit) -> None:
    """A job that has ended stays as it is."""
    if edit.state in (QUEUED, PAUSED):
        move(edit, CANCELLED)
    elif edit.state in (PREPARING, RUNNING, PAUSING):
        move(edit, CANCELLING)


def pause(edit: JobEdit) -> None:
    """Raises JobEnded where there is nothing left to pause."""
    if edit.state in TERMINAL or edit.state == CANCELLING:
        raise _ended(edit.job, "paused")
    if edit.state == QUEUED:
        move(edit, PAUSED)
    elif edit.state in (PREPARING, RUNNING):
        move(edit, PAUSING)
    edit.job.pause_reason = ASKED


def resume(edit: JobEdit) -> None:
    """A job that waits or runs stays as it is. Raises JobEnded where there is nothing to go on with."""
    if edit.state in TERMINAL or edit.state == CANCELLING:
        raise _ended(edit.job, "resumed")
    if edit.state == PAUSED:
        move(edit, QUEUED)
    elif edit.state == PAUSING:
        move(edit, RUNNING)  # the engine leaves it all the same, and it is QUEUED then


def retry(edit: JobEdit) -> None:
    """Raises JobNotTerminal, or JobEnded for a job that has succeeded."""
    check_ended(edit.job)
    if edit.state == SUCCEEDED:
        raise JobEnded(
            f"{edit.job.name} has succeeded; there is nothing to try again. Start a new job, or a retake of it.",
            job=edit.job.name,
            state="SUCCEEDED",
        )
    edit.crashes = 0
    edit.job.ClearField("error")
    edit.job.ClearField("end_time")
    move(edit, QUEUED)


def check_ended(job: job_pb2.Job) -> None:
    """Raises JobNotTerminal."""
    if job.state not in TERMINAL:
        state = state_word(job.state)
        raise JobNotTerminal(
            f"{job.name} has not ended: it is {state}. Cancel it first, or wait for its end.",
            job=job.name,
            state=state,
        )


def state_word(state: State) -> str:
    return job_pb2.JobState.Name(state).removeprefix("JOB_STATE_")


def _ended(job: job_pb2.Job, wish: str) -> JobEnded:
    state = state_word(job.state)
    return JobEnded(
        f"{job.name} is {state} and cannot be {wish}. RetryJob starts a job again that failed or was cancelled.",
        job=job.name,
        state=state,
    )


# ---- What may happen to it -------------------------------------------------------------------------------


def left(edit: JobEdit) -> None:
    """Nobody works on the job any more, through no fault of its own: what had been wished for it comes true."""
    following = {CANCELLING: CANCELLED, PAUSING: PAUSED}
    if edit.state in ACTIVE:
        move(edit, following.get(edit.state, QUEUED))


def lack_disk(edit: JobEdit, message: str, state: State) -> None:
    """The job stands still until there is room again (*state* PAUSED), or is about to (PAUSING).

    Something else that was wished for it meanwhile comes true instead.
    """
    if edit.state in (PREPARING, RUNNING):
        warn(edit, message)
        move(edit, state)
        edit.job.pause_reason = DISK_FULL
    elif state == PAUSED:
        left(edit)


def fail(edit: JobEdit, status: types_pb2.Status) -> None:
    """Unless somebody was quicker and ended it, or put it aside."""
    if FAILED in TRANSITIONS[edit.state]:
        move(edit, FAILED, error=status)


def died(edit: JobEdit, hung_s: float) -> None:
    """The engine died at the job, which is tried again, but fails where that is no accident any more.

    *hung_s*: how long the engine had stood still, if it was killed for that.
    """
    edit.crashes += 1
    if edit.crashes < CRASHES_ALLOWED or edit.state == CANCELLING:
        left(edit)
        return
    segment = edit.job.progress.segments_done + 1
    error: ServerError
    if hung_s:
        error = WorkerHung(
            f"The engine stood still for {hung_s:.0f} s at segment {segment} of this job, and not for the first time. "
            "Restart the machine if its GPU hangs, or choose a smaller work area, and retry the job.",
            seconds=hung_s,
            segment=segment,
        )
    else:
        error = WorkerCrashed(
            f"The engine died {edit.crashes} times at segment {segment} of this job. Often memory ran out: choose a "
            "smaller work area, or close other programs, and start the job again. engine.log in the data folder "
            "tells more.",
            crashes=edit.crashes,
            segment=segment,
        )
    move(edit, FAILED, error=to_status(error))
