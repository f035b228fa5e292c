"""What a finished job's events teach, and how long other work will take by that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from understudy_api.v1 import job_pb2

from .store.lessons import Lesson, Workload

UNDISTURBED = [
    job_pb2.JOB_STATE_QUEUED,
    job_pb2.JOB_STATE_PREPARING,
    job_pb2.JOB_STATE_RUNNING,
    job_pb2.JOB_STATE_SUCCEEDED,
]
FINDING = "finding the person"  # begins the text; the frame follows
FOUND_BEFORE = "finding the person, as found before"  # a part of it at least: how long it takes was not seen
READING = "reading the clip"  # begins a segment
FINISHING = ("finishing", "joining the segments", "writing the result")
FIND_FRAME_S = 0.05  # until a job has told: nano's nets at 1280x720 on one core, decoding included
SPREAD = 0.5  # how much wider than the past the range is after one job; half of that after two, and so on


def lesson_of(events: Sequence[job_pb2.JobEvent], work: Workload) -> Lesson | None:
    """Where the time of a job with these *events*, from its first to its last, has gone.

    None where that tells nothing: the job was paused, killed or resumed on the way.
    """
    states = [event.state_changed.state for event in events if event.HasField("state_changed")]
    if states != UNDISTURBED:
        return None
    as_before = any(event.progress.stage == FOUND_BEFORE for event in events if event.HasField("progress"))
    spent = {"start": 0.0, "find": 0.0, "denoise": 0.0, "make": 0.0, "finish": 0.0}
    doing, before = "start", 0.0
    for event in events:
        now = event.time.ToNanoseconds() / 1e9
        progress = event.progress if event.HasField("progress") else None
        if progress is not None and progress.stage == "denoising":
            spent["denoise"] += max(0.0, now - before)  # a step is told when it is done
        elif event.sequence > 2:  # waiting in the queue teaches nothing
            spent[doing] += max(0.0, now - before)
        if progress is not None:
            doing = _doing(progress.stage, doing)
        before = now
    return Lesson(
        start_s=spent["start"],
        denoise_s=spent["denoise"],
        make_s=spent["make"],
        finish_s=spent["finish"],
        denoise_flops=work.denoise_flops,
        make_px=work.make_px,
        finish_px=work.finish_px,
        find_s=spent["find"],
        find_frames=0 if as_before else work.find_frames,
    )


def _doing(stage: str, before: str) -> str:
    if stage.startswith(FINDING):
        return "find"
    if stage in FINISHING:
        return "finish"
    return "start" if before in ("start", "find") and stage != READING else "make"


def seconds_range(lessons: Sequence[Lesson], work: Workload) -> tuple[float, float]:
    """As long as if it went like the quickest of *lessons*, and as the slowest; wider while they are few."""
    foretold = sorted(_as_in(lesson, work) for lesson in lessons)
    wider = 1 + SPREAD / len(lessons)
    return foretold[0] / wider, foretold[-1] * wider


def _as_in(lesson: Lesson, work: Workload) -> float:
    parts: Iterable[tuple[float, float, float]] = (
        (lesson.denoise_s, lesson.denoise_flops, work.denoise_flops),
        (lesson.make_s, lesson.make_px, work.make_px),
        (lesson.finish_s, lesson.finish_px, work.finish_px),
    )
    find_frame_s = lesson.find_s / lesson.find_frames if lesson.find_frames else FIND_FRAME_S
    told = sum(seconds * now / then for seconds, then, now in parts if then)
    return lesson.start_s + told + find_frame_s * work.find_frames
