"""One job, as an iterator of messages. Closing it leaves the job: what is stored stays, nothing is half-written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from understudy_api.v1 import job_pb2
from understudy_engine.media.info import ClipInfo
from understudy_engine.media.isolated import isolated
from understudy_engine.media.read import probe
from understudy_engine.types import Event, Plan, Preview, Resume, RgbFrames, SegmentDone, Stage, Step

from ..convert import job_plan, pending_segment, swap_request, work_of
from ..storage import JobFolder
from .delivery import deliver_master, join
from .factory import EngineLike
from .messages import (
    Assignment,
    Finished,
    Message,
    PlanMade,
    PreviewMade,
    SegmentStored,
    StageBegun,
    StepDone,
)
from .segments import kept_segments, read_overlap, store_segment

PREVIEW_QUALITY = 75


def render(engine: EngineLike, assignment: Assignment, folder: JobFolder) -> Iterator[Message]:
    """Plans, makes the segments that are not stored yet, joins and delivers.

    Raises EngineError, ServerError or OSError; all that was stored by then stays.
    """
    job: Mapping[str, Any] = {"job": assignment.job, "attempt": assignment.attempt}
    spec = job_pb2.JobSpec.FromString(assignment.spec)
    request = swap_request(spec, {name: Path(path) for name, path in assignment.files.items()})
    clip = probe(request.clip, isolated()) if request.clip else None
    plan = engine.plan(request)
    kept = kept_segments(folder, plan)
    segments = kept + [pending_segment(segment) for segment in plan.segments[len(kept) :]]
    yield PlanMade(
        **job,
        plan=job_plan(plan).SerializeToString(),
        segments=[segment.SerializeToString() for segment in segments],
        warnings=list(plan.warnings),
    )
    if len(kept) < len(plan.segments):
        resume = _resume_after(folder, len(kept))
        with closing(engine.run(replace(request, resume=resume))) as events:  # type: ignore[type-var]
            yield from _generate(events, plan, clip, folder, job)
    yield StageBegun(**job, segment=len(plan.segments), text="joining the segments")
    outputs = [join(folder, plan, clip)]
    if assignment.delivery:
        yield StageBegun(**job, segment=len(plan.segments), text="writing the result")
        outputs.append(deliver_master(folder, Path(assignment.delivery), work_of(spec).delivery))
    yield Finished(**job, outputs=[output.SerializeToString() for output in outputs])


def _resume_after(folder: JobFolder, kept: int) -> Resume:
    return Resume(segment=kept, overlap=read_overlap(folder, kept - 1)) if kept else Resume()


def _generate(
    events: Iterator[Event], plan: Plan, clip: ClipInfo | None, folder: JobFolder, job: Mapping[str, Any]
) -> Iterator[Message]:
    for event in events:
        if isinstance(event, Stage):
            yield StageBegun(**job, segment=event.segment, text=event.text)
        elif isinstance(event, Step):
            yield StepDone(**job, segment=event.segment, step=event.step, steps=event.steps)
        elif isinstance(event, Preview):
            yield PreviewMade(**job, segment=event.segment, step=event.step, jpeg=_jpeg(event.frame))
        elif isinstance(event, SegmentDone):
            segment = store_segment(folder, event, plan, clip)
            yield SegmentStored(**job, segment=segment.SerializeToString())


def _jpeg(frame: RgbFrames) -> bytes:
    """*frame* (1, h, w, 3) as JPEG."""
    _, encoded = cv2.imencode(".jpg", frame[0, :, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])
    return encoded.tobytes()
