"""ResultService."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

from understudy_api.v1 import job_pb2, result_pb2, result_pb2_grpc
from understudy_engine.types import FrameRange

from .. import jobs
from ..bulletin import Bulletin
from ..convert import LAYERS
from ..errors import InvalidField, JobCancelled, StatusError
from ..frames import EncodedFrame, encoded_frames
from ..storage import DataFolder, job_id
from ..store import JobStore
from ..validate import StreamFramesFields, check
from .threads import in_thread

DECODERS = 2
STORED = result_pb2.SEGMENT_STATE_STORED


class ResultService(result_pb2_grpc.ResultServiceServicer):
    def __init__(self, data: DataFolder, store: JobStore, bulletin: Bulletin, max_chunk_bytes: int) -> None:
        self._data = data
        self._store = store
        self._bulletin = bulletin
        self._max_chunk_bytes = max_chunk_bytes
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
                file, wanted = self._layer_file(request, segment), _overlap(request, segment)
                first = segment.frames.start
                stored = FrameRange(wanted.start - first, wanted.end - first)
                frames = encoded_frames(file, stored, request.encoding, request.max_edge_px)
                number = wanted.start
                async with aclosing(in_thread(self._decoders, frames)) as encoded:
                    async for frame in encoded:
                        for chunk in self._chunks(number, frame):
                            yield chunk
                        number += 1

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

    def _layer_file(self, request: result_pb2.StreamFramesRequest, segment: result_pb2.Segment) -> Path:
        layer = request.layer or result_pb2.LAYER_RESULT
        if layer not in [stored.layer for stored in segment.layers]:
            kept = ", ".join(str(LAYERS[stored.layer]) for stored in segment.layers)
            raise InvalidField(
                f"This job has no layer '{LAYERS[layer]}'; it has {kept}.",
                field="layer",
                layer=str(LAYERS[layer]),
            )
        return self._data.job(request.job).layer(segment.index, LAYERS[layer])

    def _chunks(self, number: int, frame: EncodedFrame) -> Iterator[result_pb2.StreamFramesResponse]:
        size = self._max_chunk_bytes
        for start in range(0, len(frame.data), size):
            yield result_pb2.StreamFramesResponse(
                frame=number,
                header=frame.header if start == 0 else None,
                data=frame.data[start : start + size],
                last_chunk=start + size >= len(frame.data),
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
