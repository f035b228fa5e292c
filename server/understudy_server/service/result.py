"""ResultService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from understudy_api.v1 import job_pb2, result_pb2, result_pb2_grpc
from understudy_engine.types import FrameRange

from .. import jobs
from ..bulletin import Bulletin
from ..errors import (
    FrameNotMade,
    FramesGone,
    InvalidField,
    JobCancelled,
    JobNotFound,
    NotExportable,
    StatusError,
)
from ..exporter import Exporter, check_layer, layer_asked
from ..frames import EncodedFrame, encoded_frames, one_frame
from ..open_clips import OpenClips
from ..storage import DataFolder, job_id
from ..store import JobEdit, JobStore
from ..validate import ExportResultFields, GetFrameFields, StreamFramesFields, check
from .threads import in_thread

DECODERS = 2
OPEN_CLIPS = 4  # between two frames; each holds 2 MiB where a frame has 320 x 320, and more where it has more
STORED = result_pb2.SEGMENT_STATE_STORED


class ResultService(result_pb2_grpc.ResultServiceServicer):
    def __init__(
        self, data: DataFolder, store: JobStore, bulletin: Bulletin, exporter: Exporter, max_chunk_bytes: int
    ) -> None:
        self._data = data
        self._store = store
        self._bulletin = bulletin
        self._exporter = exporter
        self._max_chunk_bytes = max_chunk_bytes
        self._clips = OpenClips(OPEN_CLIPS)
        self._decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="decoder")

    def close(self) -> None:
        self._decoders.shutdown(wait=True, cancel_futures=True)

    async def ListSegments(  # noqa: N802 - the API's name
        self, request: result_pb2.ListSegmentsRequest, context: Any
    ) -> result_pb2.ListSegmentsResponse:
        job_id(request.job)
        return result_pb2.ListSegmentsResponse(segments=await self._store.segments(request.job))

    async def StreamFrames(  # noqa: N802
        self, request: result_pb2.StreamFramesRequest, context: Any
    ) -> AsyncGenerator[result_pb2.StreamFramesResponse]:
        check(request, StreamFramesFields)
        async with aclosing(self._segments(request)) as segments:
            async for segment in segments:
                wanted = _overlap(request, segment)
                file, first = self._layer_file(request.job, layer_asked(request), segment)
                stored = FrameRange(wanted.start - first, wanted.end - first)
                frames = encoded_frames(self._clips, file, stored, request.encoding, request.max_edge_px)
                number = wanted.start
                async with aclosing(in_thread(self._decoders, frames)) as encoded:
                    async for frame in encoded:
                        for chunk in self._chunks(number, frame):
                            yield chunk
                        number += 1

    async def GetFrame(  # noqa: N802
        self, request: result_pb2.GetFrameRequest, context: Any
    ) -> result_pb2.GetFrameResponse:
        check(request, GetFrameFields)
        job = await self._store.get(request.job)
        segment = _segment_with(request.frame, job, await self._store.segments(request.job))
        file, first = self._layer_file(request.job, layer_asked(request), segment)
        asked = (request.encoding, request.max_edge_px, self._max_chunk_bytes)
        loop = asyncio.get_running_loop()
        frame = await loop.run_in_executor(
            self._decoders, one_frame, self._clips, file, request.frame - first, *asked
        )
        return result_pb2.GetFrameResponse(header=frame.header, data=frame.data)

    async def ExportResult(  # noqa: N802
        self, request: result_pb2.ExportResultRequest, context: Any
    ) -> AsyncGenerator[result_pb2.ExportResultResponse]:
        check(request, ExportResultFields)
        job = await self._store.get(request.job)
        segments = await self._store.segments(request.job)
        async with aclosing(self._exporter.export(request, job, segments)) as responses:
            async for response in responses:
                if response.HasField("output"):
                    await self._note(job.name, response.output)
                yield response

    async def GetManifest(  # noqa: N802
        self, request: result_pb2.GetManifestRequest, context: Any
    ) -> result_pb2.GetManifestResponse:
        job = await self._store.get(f"jobs/{job_id(request.job)}")
        if job.state != jobs.SUCCEEDED:
            raise NotExportable(
                f"{job.display_name or job.name} has not succeeded, so it has no manifest yet.", job=job.name
            )
        file = self._data.job(job.name).manifest
        try:
            return result_pb2.GetManifestResponse(json=await asyncio.to_thread(file.read_text, "utf-8"))
        except FileNotFoundError:
            raise FramesGone(
                "This job's manifest is not kept, or an earlier version made the job without one. Render it again.",
                job=job.name,
            ) from None

    async def _note(self, name: str, output: job_pb2.OutputFile) -> None:
        """The job tells of its exports, of each place once; a job deleted meanwhile has none to tell."""

        def change(edit: JobEdit) -> None:
            kept = [one for one in edit.job.outputs if (one.kind, one.path) != (output.kind, output.path)]
            del edit.job.outputs[:]
            edit.job.outputs.extend([*kept, output])

        with suppress(JobNotFound):
            await self._store.edit(name, change)

    async def _segments(self, request: result_pb2.StreamFramesRequest) -> AsyncGenerator[result_pb2.Segment]:
        """The stored segments that hold wanted frames, in order; with follow, as they come.

        Raises InvalidField for frames the job will never have; when following, the error of a job that failed.
        """
        following = 0  # index of the segment to come next
        while True:
            turn = self._bulletin.turn(request.job)
            job = await self._store.get(request.job)
            segments = await self._store.segments(request.job)
            _check_range(request, segments)
            for segment in segments[following:]:
                if segment.state != STORED:
                    break
                following += 1
                if len(_overlap(request, segment)):
                    yield segment
            done = segments and (
                following == len(segments) or segments[following].frames.start >= _end(request)
            )
            if done or not request.follow:
                return
            _check_going_on(job)
            await turn.wait()

    def _layer_file(self, job: str, layer: str, segment: result_pb2.Segment) -> tuple[Path, int]:
        """The file that holds the segment's frames of a layer, and which frame of the job is its first.

        Raises LayerNotMade, FramesGone.
        """
        folder = self._data.job(job)
        check_layer(layer, [segment])
        if not segment.layers:
            return folder.master, 0
        return folder.layer(segment.index, layer), segment.frames.start

    def _chunks(self, number: int, frame: EncodedFrame) -> Iterator[result_pb2.StreamFramesResponse]:
        size = self._max_chunk_bytes
        for start in range(0, len(frame.data), size):
            yield result_pb2.StreamFramesResponse(
                frame=number,
                header=frame.header if start == 0 else None,
                data=frame.data[start : start + size],
                last_chunk=start + size >= len(frame.data),
            )


def _segment_with(frame: int, job: job_pb2.Job, segments: list[result_pb2.Segment]) -> result_pb2.Segment:
    """The stored segment that holds *frame*; raises InvalidField, or FrameNotMade."""
    frames = segments[-1].frames.end if segments else 0
    if segments and frame >= frames:
        raise InvalidField(
            f"Frame {frame} was asked for; the job has frames 0 to {frames - 1}.",
            field="frame",
            frames=frames,
        )
    for segment in segments:
        if frame < segment.frames.end and segment.state == STORED:
            return segment
        if frame < segment.frames.end:
            break
    raise FrameNotMade(
        f"Frame {frame} is not made yet; {job.progress.frames_done} frames are. Wait for it, or ask for an earlier "
        "one.",
        frame=frame,
        frames_done=job.progress.frames_done,
    )


def _end(request: result_pb2.StreamFramesRequest) -> int:
    """Behind the last wanted frame; without a range beyond every clip."""
    return request.range.end if request.HasField("range") else 1 << 62


def _overlap(request: result_pb2.StreamFramesRequest, segment: result_pb2.Segment) -> FrameRange:
    return FrameRange(max(request.range.start, segment.frames.start), min(_end(request), segment.frames.end))


def _check_range(request: result_pb2.StreamFramesRequest, segments: list[result_pb2.Segment]) -> None:
    if segments and request.HasField("range") and request.range.end > segments[-1].frames.end:
        raise InvalidField(
            f"Frames up to {request.range.end} were asked for; the job has {segments[-1].frames.end}.",
            field="range.end",
            frames=segments[-1].frames.end,
        )


def _check_going_on(job: job_pb2.Job) -> None:
    if job.state == jobs.FAILED:
        raise StatusError(job.error)
    if job.state == jobs.CANCELLED:
        stored = job.progress.frames_done
        raise JobCancelled(f"The job was cancelled; {stored} of its frames are stored.", frames=stored)
