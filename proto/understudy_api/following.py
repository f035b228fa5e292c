"""What the client's streams follow, each from where it was: events, frames, states, exports, comparisons."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .errors import NotFound
from .stream import NothingLeft, StreamCall
from .v1 import analysis_pb2, job_pb2, result_pb2, server_pb2, take_pb2

ENDED = frozenset({job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED})
"""States that a job never leaves."""

ANALYSIS_ENDED = frozenset(
    {
        analysis_pb2.ANALYSIS_STATE_SUCCEEDED,
        analysis_pb2.ANALYSIS_STATE_FAILED,
        analysis_pb2.ANALYSIS_STATE_CANCELLED,
    }
)
"""States that an analysis leaves only when it is changed or asked for again."""


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


class AllJobsFollow:
    """Every job's changes, and those of *names*, and of all told of before, that ended while nobody listened."""

    def __init__(
        self,
        call: Callable[[job_pb2.WatchJobsRequest], StreamCall[job_pb2.WatchJobsResponse]],
        job: Callable[[str], job_pb2.Job],
        request: job_pb2.WatchJobsRequest,
        names: Iterable[str] = (),
    ) -> None:
        self._call = call
        self._job = job
        self._request = request
        self._unended = set(names)

    def open(self) -> StreamCall[job_pb2.WatchJobsResponse]:
        return _WithMissed(self._call(self._request), self._missed)

    def _missed(self) -> list[job_pb2.WatchJobsResponse]:
        return [message for name in sorted(self._unended) if (message := self._ended_meanwhile(name))]

    def _ended_meanwhile(self, name: str) -> job_pb2.WatchJobsResponse | None:
        try:
            job = self._job(name)
        except NotFound:
            return job_pb2.WatchJobsResponse(deleted=name)
        return job_pb2.WatchJobsResponse(job=summary(job)) if job.state in ENDED else None

    def read(self, message: job_pb2.WatchJobsResponse) -> job_pb2.WatchJobsResponse | None:
        match message.WhichOneof("kind"):
            case "job" if message.job.state not in ENDED:
                self._unended.add(message.job.name)
            case "job":
                self._unended.discard(message.job.name)
            case "deleted":
                self._unended.discard(message.deleted)
            case _:
                return None
        return message

    def ended(self) -> bool:
        return False


def summary(job: job_pb2.Job) -> job_pb2.JobSummary:
    return job_pb2.JobSummary(
        name=job.name,
        display_name=job.display_name,
        state=job.state,
        progress=job.progress,
        priority=job.priority,
        labels=job.labels,
        shot=job.shot,
    )


class _WithMissed:
    """A call with the messages that it came too late for. They are asked for once it is sure to miss no more."""

    def __init__(
        self,
        call: StreamCall[job_pb2.WatchJobsResponse],
        missed: Callable[[], list[job_pb2.WatchJobsResponse]],
    ) -> None:
        self._call = call
        self._missed = missed
        self._ahead: deque[job_pb2.WatchJobsResponse] = deque()
        self._asked = False

    def __next__(self) -> job_pb2.WatchJobsResponse:
        if self._ahead:
            return self._ahead.popleft()
        message = next(self._call)
        if not self._asked:  # the server listens to its jobs from its first message on, at the latest
            self._asked = True
            self._ahead.extend(self._missed())
        return message

    def cancel(self) -> bool:
        return self._call.cancel()


class ServerFollow:
    """What changes about the server; what a heartbeat only repeats is left out."""

    def __init__(
        self, call: Callable[[server_pb2.WatchServerRequest], StreamCall[server_pb2.WatchServerResponse]]
    ) -> None:
        self._call = call
        self._last: server_pb2.WatchServerResponse | None = None

    def open(self) -> StreamCall[server_pb2.WatchServerResponse]:
        return self._call(server_pb2.WatchServerRequest())

    def read(self, message: server_pb2.WatchServerResponse) -> server_pb2.WatchServerResponse | None:
        if message == self._last:
            return None
        self._last = message
        return message

    def ended(self) -> bool:
        return False


class ExportFollow:
    """An export until its file is there. After a break it begins anew: the server leaves nothing half-written."""

    def __init__(
        self,
        call: Callable[[result_pb2.ExportResultRequest], StreamCall[result_pb2.ExportResultResponse]],
        request: result_pb2.ExportResultRequest,
    ) -> None:
        self._call = call
        self._request = request
        self.output = job_pb2.OutputFile()

    def open(self) -> StreamCall[result_pb2.ExportResultResponse]:
        return self._call(self._request)

    def read(self, message: result_pb2.ExportResultResponse) -> result_pb2.ExportResultResponse:
        if message.HasField("output"):
            self.output = message.output
        return message

    def ended(self) -> bool:
        return self.output.kind != job_pb2.OutputFile.KIND_UNSPECIFIED


class CompareFollow:
    """Two takes' differences. After a break the comparison begins anew, and what was given is left out."""

    def __init__(
        self,
        call: Callable[[take_pb2.CompareTakesRequest], StreamCall[take_pb2.CompareTakesResponse]],
        request: take_pb2.CompareTakesRequest,
    ) -> None:
        self._call = call
        self._request = request
        self._next = 0

    def open(self) -> StreamCall[take_pb2.CompareTakesResponse]:
        return self._call(self._request)

    def read(self, message: take_pb2.CompareTakesResponse) -> take_pb2.CompareTakesResponse | None:
        if message.frame < self._next:
            return None
        self._next = message.frame + 1
        return message

    def ended(self) -> bool:
        return True


class AnalysisFollow:
    """An analysis until it has ended, whenever it has changed."""

    def __init__(
        self,
        call: Callable[[analysis_pb2.WatchAnalysisRequest], StreamCall[analysis_pb2.WatchAnalysisResponse]],
        analysis: Callable[[str], analysis_pb2.Analysis],
        name: str,
    ) -> None:
        self._call = call
        self._analysis = analysis
        self._request = analysis_pb2.WatchAnalysisRequest(name=name)
        self._last = analysis_pb2.Analysis()

    def open(self) -> StreamCall[analysis_pb2.WatchAnalysisResponse]:
        return self._call(self._request)

    def read(self, message: analysis_pb2.WatchAnalysisResponse) -> analysis_pb2.Analysis | None:
        if not message.HasField("analysis") or message.analysis == self._last:
            return None
        self._last = message.analysis
        return message.analysis

    def ended(self) -> bool:
        return (
            self._last.state in ANALYSIS_ENDED or self._analysis(self._request.name).state in ANALYSIS_ENDED
        )
