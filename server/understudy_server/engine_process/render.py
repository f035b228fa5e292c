"""One job, as an iterator of messages. Closing it leaves the job: what is stored stays, nothing is half-written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import cv2

from understudy_api.v1 import job_pb2, result_pb2
from understudy_engine.aside import Aside, Task
from understudy_engine.errors import EngineError
from understudy_engine.media.info import ClipInfo
from understudy_engine.media.isolated import isolated
from understudy_engine.media.read import probe
from understudy_engine.model.between import Between, go_on
from understudy_engine.types import (
    Event,
    Plan,
    Preview,
    Resume,
    RgbFrames,
    SegmentDone,
    Stage,
    Step,
    SwapRequest,
    Warned,
)

from ..convert import job_plan, pending_segment, retake, swap_request, work_of
from ..storage import JobFolder
from .base_take import BaseTake, base_take
from .delivery import deliver_master, join
from .factory import EngineLike
from .messages import (
    Assignment,
    Finished,
    Message,
    Noticed,
    PlanMade,
    PreviewMade,
    SegmentStored,
    StageBegun,
    StepDone,
)
from .provenance import inputs_of, write_manifest
from .segments import kept_segments, plan_digest, read_overlap, store_segment

PREVIEW_QUALITY = 75
MOST_UNSTORED = 1  # segments that are stored while the next one is made


def render(
    engine: EngineLike, assignment: Assignment, folder: JobFolder, meanwhile: Callable[[], None]
) -> Iterator[Message]:
    """Plans, makes the segments that are not stored yet, joins and delivers.

    *meanwhile* is called while that says nothing: between two pieces of a step's work, and while it joins and
    delivers. What it raises leaves the job.
    Raises EngineError, ServerError or OSError; all that was stored by then stays.
    """
    job: Mapping[str, Any] = {"job": assignment.job, "attempt": assignment.attempt}
    spec = job_pb2.JobSpec.FromString(assignment.spec)
    inputs = inputs_of(assignment, folder)
    files, loras = (_as_paths(paths) for paths in (assignment.files, assignment.loras))
    request = swap_request(spec, files, loras)
    clip = probe(request.clip, isolated()) if request.clip else None
    with _with_base(request, assignment, folder) as (request, base):
        plan = _numbered(engine.plan(request), len(base.before) if base else 0)
        kept = kept_segments(folder, plan)
        segments = kept + [pending_segment(segment) for segment in plan.segments[len(kept) :]]
        if base is not None:
            segments = _between(base, segments, folder, plan_digest(plan))
        yield PlanMade(
            **job,
            plan=job_plan(plan, len(segments)).SerializeToString(),
            segments=[segment.SerializeToString() for segment in segments],
            warnings=list(plan.warnings),
        )
        if len(kept) < len(plan.segments):
            resume = _resume_after(folder, plan, len(kept))
            with (
                closing(engine.run(replace(request, resume=resume), meanwhile)) as events,  # type: ignore[type-var]
                Aside(has_thread=True) as aside,
            ):
                store = partial(_store, folder, plan, clip)
                for message in _generate(events, plan, store, aside, meanwhile, job):
                    if isinstance(message, Noticed):
                        plan = replace(plan, warnings=(*plan.warnings, message.text))
                    yield message
    yield StageBegun(**job, segment=len(segments), text="joining the segments")
    outputs = [join(folder, plan, clip, len(segments), meanwhile)]
    if assignment.delivery:
        yield StageBegun(**job, segment=len(segments), text="writing the result")
        target, asked = Path(assignment.delivery), work_of(spec).delivery
        outputs.append(deliver_master(folder, target, asked, plan.result_size, meanwhile))
    outputs.append(write_manifest(folder, assignment, engine, plan, segments, inputs, outputs[0]))
    yield Finished(**job, outputs=[output.SerializeToString() for output in outputs])


def _as_paths(paths: Mapping[str, str]) -> dict[str, Path]:
    return {name: Path(path) for name, path in paths.items()}


@contextmanager
def _with_base(
    request: SwapRequest, assignment: Assignment, folder: JobFolder
) -> Iterator[tuple[SwapRequest, BaseTake | None]]:
    """*request* with the frames of the take it starts from, if it is a retake."""
    base = base_take(assignment, folder)
    if base is None:
        yield request, None
        return
    with base.frames(request) as frames:
        asked = job_pb2.RetakeSpec.FromString(assignment.retake)
        yield replace(request, retake=retake(asked, frames)), base


def _numbered(plan: Plan, first: int) -> Plan:
    """*plan* with its segments numbered as the job's: *first* of them, of the base, come before."""
    return replace(plan, segments=tuple(replace(s, index=s.index + first) for s in plan.segments))


def _between(
    base: BaseTake, made: list[result_pb2.Segment], folder: JobFolder, digest: str
) -> list[result_pb2.Segment]:
    """All of a retake's segments: the base's before the span, those *made*, and the base's behind it."""
    numbers = count()
    before = [base.copy(folder, piece, next(numbers), digest) for piece in base.before]
    for _ in made:
        next(numbers)
    return [*before, *made, *(base.copy(folder, piece, next(numbers), digest) for piece in base.behind)]


def _resume_after(folder: JobFolder, plan: Plan, kept: int) -> Resume:
    if not kept:
        return Resume()
    last = plan.segments[kept - 1].index
    overlap, *others = (read_overlap(folder, last, role) for role in range(plan.roles))
    return Resume(segment=kept, overlap=overlap, others=tuple(others))


def _store(
    folder: JobFolder, plan: Plan, clip: ClipInfo | None, done: SegmentDone, between: Between
) -> result_pb2.Segment:
    first = plan.segments[0].index  # the engine counts its own segments only
    done = replace(done, segment=replace(done.segment, index=first + done.segment.index))
    return store_segment(folder, done, plan, clip, between)


def _generate(
    events: Iterator[Event],
    plan: Plan,
    store: Callable[[SegmentDone, Between], result_pb2.Segment],
    aside: Aside,
    meanwhile: Between,
    job: Mapping[str, Any],
) -> Iterator[Message]:
    """The engine's events as messages. A segment is stored before more is asked of the engine, or beside that."""
    first = plan.segments[0].index
    storing: deque[Task[result_pb2.Segment]] = deque()

    def stored(most: int) -> Iterator[Message]:
        while storing and (len(storing) > most or storing[0].is_done):
            segment = storing.popleft().result(meanwhile)
            yield SegmentStored(**job, segment=segment.SerializeToString())

    try:
        for event in events:
            if not isinstance(event, SegmentDone):
                yield from _said(event, first, job)
            elif event.is_aside:
                storing.append(aside.do(partial(store, event)))
            else:
                yield from stored(0)
                segment = store(event, go_on)  # nothing else waits for it, and it would be lost
                yield SegmentStored(**job, segment=segment.SerializeToString())
            yield from stored(MOST_UNSTORED)
    except EngineError:
        yield from stored(0)  # what is made already is not lost with what cannot be made
        raise


def _said(event: Event, first: int, job: Mapping[str, Any]) -> Iterator[Message]:
    """*first*: the number of the engine's first segment."""
    if isinstance(event, Stage):
        yield StageBegun(**job, segment=first + event.segment, text=event.text)
    elif isinstance(event, Warned):
        yield Noticed(**job, text=event.text)
    elif isinstance(event, Step):
        yield StepDone(**job, segment=first + event.segment, step=event.step, steps=event.steps)
    elif isinstance(event, Preview):
        yield PreviewMade(**job, segment=first + event.segment, step=event.step, jpeg=_jpeg(event.frame))


def _jpeg(frame: RgbFrames) -> bytes:
    """*frame* (1, h, w, 3) as JPEG."""
    _, encoded = cv2.imencode(".jpg", frame[0, :, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])
    return encoded.tobytes()
