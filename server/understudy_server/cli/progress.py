"""Shows a job while it is made: a line for each thing that happens once, a bar for the rest."""

from __future__ import annotations

from fractions import Fraction

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from understudy_api.client import Client, succeeded
from understudy_api.v1 import job_pb2

from .voice import Voice, as_data

STATES = {
    job_pb2.JOB_STATE_QUEUED: "Waiting for its turn.",
    job_pb2.JOB_STATE_PREPARING: "Preparing: opening the media, loading the model.",
    job_pb2.JOB_STATE_RUNNING: "Making frames.",
    job_pb2.JOB_STATE_PAUSING: "Pausing.",
    job_pb2.JOB_STATE_PAUSED: "Paused.",
    job_pb2.JOB_STATE_CANCELLING: "Cancelling.",
    job_pb2.JOB_STATE_CANCELLED: "Cancelled.",
    job_pb2.JOB_STATE_SUCCEEDED: "Done.",
    job_pb2.JOB_STATE_FAILED: "Failed.",
}


def state_word(state: job_pb2.JobState.ValueType) -> str:
    return job_pb2.JobState.Name(state).removeprefix("JOB_STATE_").lower()


def show(client: Client, name: str, voice: Voice, *, each_as_json: bool = False) -> job_pb2.Job:
    """Follows a job to its end and returns it. With *each_as_json*, every event is a line of JSON.

    Raises JobFailed or JobCancelled if it does not succeed.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    quiet = voice.as_json or not voice.err.is_terminal
    with (
        client.watch(name) as events,
        Progress(*columns, console=voice.err, transient=True, disable=quiet) as progress,
    ):
        bar = progress.add_task("waiting", total=1.0, detail="")
        for event in events:
            if each_as_json:
                voice.data(as_data(event))
            if event.WhichOneof("kind") == "progress":
                now = event.progress
                progress.update(bar, completed=now.fraction, description=now.stage, detail=detail(now))
            elif event.HasField("warning"):
                voice.warn(event.warning.message)
            elif text := line(event):
                voice.say(text)
    return succeeded(client.job(name))


def line(event: job_pb2.JobEvent) -> str:
    """One sentence for an event that deserves a line of its own, otherwise nothing."""
    match event.WhichOneof("kind"):
        case "state_changed":
            change = event.state_changed
            again = f" (attempt {change.attempt})" if change.attempt > 1 else ""
            return STATES.get(change.state, "").removesuffix(".") + again + "."
        case "planned":
            return plan_text(event.planned.plan)
        case _:
            return ""


def detail(now: job_pb2.JobProgress) -> str:
    """ "segment 2/4 · step 3/8 · frame 17/49 · 1:20 left" """
    parts = []
    if now.segments_total:
        parts.append(f"segment {min(now.segments_done + 1, now.segments_total)}/{now.segments_total}")
    if now.step:
        parts.append(f"step {now.step}/{now.steps}")
    if now.frames_total:
        parts.append(f"frame {now.frames_done}/{now.frames_total}")
    if now.HasField("remaining_seconds"):
        minutes, seconds = divmod(round(now.remaining_seconds), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    return " · ".join(parts)


def plan_text(plan: job_pb2.JobPlan) -> str:
    frames = plan.range.end - plan.range.start
    size, inside = plan.result_size, plan.model_size
    segments = f"{plan.segment_count} segment{'s' if plan.segment_count != 1 else ''}"
    return (
        f"{frames} frames at {rate_text(plan.rate.num, plan.rate.den)} fps, {size.width}x{size.height}; "
        f"made at {inside.width}x{inside.height} in {segments} of {plan.steps_per_segment} steps, seed {plan.seed}."
    )


def rate_text(num: int, den: int) -> str:
    """24 or 23.976: only for people; programs get the ratio."""
    rate = Fraction(num, den or 1)
    return str(rate.numerator) if rate.denominator == 1 else f"{float(rate):.3f}"
