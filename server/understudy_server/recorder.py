"""What the engine process says of one attempt, written down as the job's state, progress, segments and events."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from understudy_api.v1 import job_pb2, result_pb2, types_pb2

from . import jobs
from .bulletin import Bulletin
from .engine_process.messages import (
    Failed,
    Finished,
    Noticed,
    OfJob,
    PlanMade,
    PreviewMade,
    SegmentStored,
    StageBegun,
    StepDone,
    Stopped,
)
from .errors import reason_of
from .progress import ProgressMeter
from .store import JobEdit


class Edit(Protocol):
    async def __call__(
        self, name: str, change: Callable[[JobEdit], None], *, durable: bool = False
    ) -> job_pb2.Job: ...


class Recorder:
    def __init__(self, job: str, edit: Edit, bulletin: Bulletin) -> None:
        self.job = job
        self._edit = edit
        self._bulletin = bulletin
        self._meter: ProgressMeter | None = None
        self._segment_running = -1

    async def write(self, message: OfJob) -> bool:
        """Whether the attempt is over with *message*."""
        match message:
            case PlanMade():
                await self._planned(message)
            case StageBegun():
                await self._stage(message)
            case Noticed():
                await self._edit(self.job, lambda edit: jobs.warn(edit, message.text))
            case StepDone():
                await self._step(message)
            case PreviewMade():
                preview = job_pb2.Preview(segment=message.segment, step=message.step, jpeg=message.jpeg)
                self._bulletin.show(self.job, preview)
            case SegmentStored():
                await self._segment_stored(result_pb2.Segment.FromString(message.segment))
            case Finished() | Failed() | Stopped():
                await self._end(message)
                return True
        return False

    async def _planned(self, message: PlanMade) -> None:
        plan = job_pb2.JobPlan.FromString(message.plan)
        segments = [result_pb2.Segment.FromString(segment) for segment in message.segments]
        self._meter = ProgressMeter(plan, segments, time.monotonic())

        def change(edit: JobEdit) -> None:
            if edit.job.plan != plan:
                edit.job.plan.CopyFrom(plan)
                edit.emit(job_pb2.JobEvent(planned=job_pb2.Planned(plan=plan)))
            for warning in message.warnings:
                jobs.warn(edit, warning)
            if edit.state == jobs.PREPARING:
                jobs.move(edit, jobs.RUNNING)
            known = {segment.index: segment.state for segment in edit.segments()}
            for segment in segments:
                edit.put_segment(segment)
                stored = segment.state == result_pb2.SEGMENT_STATE_STORED
                if stored and known.get(segment.index) != segment.state:
                    _emit_stored(edit, segment)  # its attempt was killed before it could tell
            self._put_progress(edit)

        await self._edit(self.job, change)

    async def _stage(self, message: StageBegun) -> None:
        if self._meter is not None:
            self._meter.stage(message.text, time.monotonic())
        await self._edit(self.job, self._put_progress)

    async def _step(self, message: StepDone) -> None:
        if self._meter is not None:
            self._meter.step_done(message.segment, message.step, time.monotonic())

        def change(edit: JobEdit) -> None:
            if message.segment != self._segment_running:
                segment = edit.segments()[message.segment]
                segment.state = result_pb2.SEGMENT_STATE_RUNNING
                edit.put_segment(segment)
            self._put_progress(edit)

        await self._edit(self.job, change)
        self._segment_running = message.segment

    async def _segment_stored(self, segment: result_pb2.Segment) -> None:
        if self._meter is not None:
            self._meter.segment_stored(time.monotonic())

        def change(edit: JobEdit) -> None:
            edit.crashes = 0
            edit.put_segment(segment)
            _emit_stored(edit, segment)
            self._put_progress(edit)

        await self._edit(self.job, change)

    async def _end(self, message: Finished | Failed | Stopped) -> None:
        if isinstance(message, Finished) and self._meter is not None:
            self._meter.finished()

        def change(edit: JobEdit) -> None:
            if isinstance(message, Finished):
                self._put_progress(edit)
                outputs = [job_pb2.OutputFile.FromString(output) for output in message.outputs]
                jobs.move(edit, jobs.SUCCEEDED, outputs=outputs)
            elif isinstance(message, Failed):
                _fail(edit, types_pb2.Status.FromString(message.status))
            else:
                jobs.left(edit)

        await self._edit(self.job, change, durable=True)

    def _put_progress(self, edit: JobEdit) -> None:
        if self._meter is None:
            return
        progress = self._meter.progress(time.monotonic())
        progress.fraction = max(progress.fraction, edit.job.progress.fraction)
        edit.job.progress.CopyFrom(progress)
        edit.emit(job_pb2.JobEvent(progress=progress))


def _fail(edit: JobEdit, status: types_pb2.Status) -> None:
    """A full disk is no failure: the job waits for room."""
    if reason_of(status) == "DISK_FULL":
        jobs.lack_disk(edit, status.message, jobs.PAUSED)
    else:
        jobs.move(edit, jobs.FAILED, error=status)


def _emit_stored(edit: JobEdit, segment: result_pb2.Segment) -> None:
    stored = job_pb2.SegmentStored(index=segment.index, frames=segment.frames)
    edit.emit(job_pb2.JobEvent(segment_stored=stored))
