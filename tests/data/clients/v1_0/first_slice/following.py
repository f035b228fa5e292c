"""What the client's streams follow: a job's events and a result's frames, each from where they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .stream import NothingLeft, StreamCall
from .v1 import job_pb2, result_pb2

ENDED = frozenset({job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED})
"""States that a job never leaves."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame of a result."""

    index: int  # counted from the start of the job's range
    header: result_pb2.FrameHeader
    data: bytes  # as header.encoding says


class JobFollow:
    """Events behind the last sequence that was given."""

    def __init__(
        self,
        call: Callable[[job_pb2.WatchJobRequest], StreamCall[job_pb2.WatchJobResponse]],
        job: Callable[[str], job_pb2.Job],
        name: str,
        after_sequence: int,
        previews: bool,
    ) -> None:
        self._call = call
        self._job = job
        self._request = job_pb2.WatchJobRequest(name=name, after_sequence=after_sequence, previews=previews)
        self._ended = False

    def open(self) -> StreamCall[job_pb2.WatchJobResponse]:
        return self._call(self._request)

    def read(self, message: job_pb2.WatchJobResponse) -> job_pb2.JobEvent | None:
        event = message.event
        kind = event.WhichOneof("kind")
        if kind is None or kind == "heartbeat":
            return None
        if event.sequence:
            self._request.after_sequence = event.sequence
        if kind == "state_changed":
            self._ended = event.state_changed.state in ENDED
        return event

    def ended(self) -> bool:
        return self._ended or self._job(self._request.name).state in ENDED


class FramesFollow:
    """Frames behind the last one that was given whole."""

    def __init__(
        self,
        call: Callable[[result_pb2.StreamFramesRequest], StreamCall[result_pb2.StreamFramesResponse]],
        job: Callable[[str], job_pb2.Job],
        request: result_pb2.StreamFramesRequest,
    ) -> None:
        self._call = call
        self._job = job
        self._request = request
        self._next: int | None = None  # None until a frame was given
        self._header = result_pb2.FrameHeader()
        self._chunks: list[bytes] = []

    def open(self) -> StreamCall[result_pb2.StreamFramesResponse]:
        self._chunks.clear()
        if self._next is not None:
            if not self._request.HasField("range"):
                plan = self._job(self._request.job).plan
                self._request.range.end = plan.range.end - plan.range.start
            self._request.range.start = self._next
            if self._next >= self._request.range.end:
                return NothingLeft()
        return self._call(self._request)

    def read(self, message: result_pb2.StreamFramesResponse) -> Frame | None:
        if message.HasField("header"):
            self._header = message.header
            self._chunks.clear()
        self._chunks.append(message.data)
        if not message.last_chunk:
            return None
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._next = message.frame + 1
        return Frame(message.frame, self._header, data)

    def ended(self) -> bool:
        return True
