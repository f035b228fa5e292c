"""The client of the Understudy server, for plugins and the command line.

    with Client.connect() as client:
        clip, character = client.link("plate.mov"), client.link("hero.png")
        spec = job_pb2.JobSpec(animate=job_pb2.AnimateSpec(clip=clip.name, character=character.name))
        job = client.create_job(spec, "hero, shot 12")
        for event in client.watch(job.name):
            ...

It needs grpc and the standard library, and never imports its own package by name: Blender's extension carries
a copy under another. All methods may be called from any thread. Every error is one of errors.py.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import grpc

from . import channel, roots
from .endpoint import Endpoint, read_endpoint
from .errors import JobCancelled, NotFound, PathRefused, ServerAway, TokenRefused, UnderstudyError
from .following import ENDED, Frame, FramesFollow, JobFollow
from .status import job_error, rpc_error
from .stream import CLOSED, Stream, StreamCall
from .v1 import (
    job_pb2,
    job_pb2_grpc,
    media_pb2,
    media_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    result_pb2,
    result_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
    types_pb2,
)

__all__ = ["Client", "Frame"]

Request = TypeVar("Request")
Response = TypeVar("Response")

SILENCE_S = 15.0  # the server sends a heartbeat every 5 s


class _Stubs:
    """One connection to one server."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.channel = channel.open_channel(endpoint)
        self.metadata = channel.call_metadata(endpoint)
        self.server = server_pb2_grpc.ServerServiceStub(self.channel)
        self.media = media_pb2_grpc.MediaServiceStub(self.channel)
        self.jobs = job_pb2_grpc.JobServiceStub(self.channel)
        self.results = result_pb2_grpc.ResultServiceStub(self.channel)
        self.models = model_pb2_grpc.ModelServiceStub(self.channel)


class Client:
    """A connection to the Understudy server. Close it, or use it in a ``with`` statement.

    When the server was found through its endpoint file, calls and streams also find one that was started in its
    place. Streams wait *patience_s* seconds for one.
    """

    def __init__(
        self, endpoint: Endpoint | None = None, *, folder: Path | None = None, patience_s: float = 60.0
    ) -> None:
        """Opens no connection yet. Raises ServerAway if no *endpoint* is given and the file names none."""
        self._follows_file = endpoint is None
        self._folder = folder
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._closed = False
        self._stubs = _Stubs(endpoint or read_endpoint(folder))
        self._roots: tuple[server_pb2.SharedRoot, ...] = ()

    @classmethod
    def connect(
        cls, endpoint: Endpoint | None = None, *, folder: Path | None = None, timeout_s: float = 5.0
    ) -> Self:
        """A client whose server has answered.

        Raises:
            ServerAway: no server runs, or it did not answer within *timeout_s* seconds.
            TokenRefused: it answered, and does not know the token.
        """
        client = cls(endpoint, folder=folder)
        try:
            client.info(timeout_s=timeout_s)
        except BaseException:
            client.close()
            raise
        return client

    @property
    def endpoint(self) -> Endpoint:
        return self._stubs.endpoint

    def close(self) -> None:
        """Ends every call and stream of this client. Jobs go on."""
        self._closed = True
        self._stubs.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- The server, its models and its folders ----------------------------------------------------------

    def info(self, *, timeout_s: float = channel.UNARY_DEADLINE_S) -> server_pb2.GetServerInfoResponse:
        request = server_pb2.GetServerInfoRequest()
        info = self._call(lambda stubs: stubs.server.GetServerInfo, request, timeout_s)
        self._roots = tuple(info.roots)
        return info

    def models(self) -> list[model_pb2.Model]:
        response = self._call(lambda stubs: stubs.models.ListModels, model_pb2.ListModelsRequest())
        return list(response.models)

    def rooted(self, path: str | os.PathLike[str], *, writable: bool = False) -> types_pb2.RootedPath:
        """*path* of this machine as the server names it. Raises PathRefused outside its shared folders."""
        if self._roots:
            try:
                return roots.rooted(path, self._roots, writable=writable)
            except PathRefused:
                pass  # the server may have been started anew with other folders
        return roots.rooted(path, self.info().roots, writable=writable)

    def local_path(self, path: types_pb2.RootedPath) -> Path | None:
        """Where a file that the server names is on this machine; None outside its shared folders."""
        return roots.local_path(path, self._roots or self.info().roots)

    def link(
        self, path: str | os.PathLike[str], kind: media_pb2.MediaKind.ValueType | None = None
    ) -> media_pb2.MediaAsset:
        """Makes a file of this machine usable by jobs; it is not copied.

        Raises:
            NotFound: no such file.
            PathRefused: it lies in no folder that the server shares.
            MediaRefused: it is not of *kind*, or cannot be used at all.
        """
        if not Path(path).expanduser().exists():
            message = f"There is no file {path}. Check the path."
            raise NotFound(message, reason="MEDIA_NOT_FOUND", metadata={"path": str(path)})
        request = media_pb2.LinkMediaRequest(
            path=self.rooted(path), kind=kind or media_pb2.MEDIA_KIND_UNSPECIFIED
        )
        return self._call(lambda stubs: stubs.media.LinkMedia, request, channel.LINK_DEADLINE_S).media

    # ---- Jobs --------------------------------------------------------------------------------------------

    def create_job(
        self, spec: job_pb2.JobSpec, display_name: str = "", request_id: str | None = None
    ) -> job_pb2.Job:
        """Hands in a job and returns it QUEUED. A repetition with the same *request_id* makes no new job."""
        request = job_pb2.CreateJobRequest(
            request_id=request_id or str(uuid.uuid4()), spec=spec, display_name=display_name
        )
        return self._call(lambda stubs: stubs.jobs.CreateJob, request).job

    def job(self, name: str) -> job_pb2.Job:
        """Raises NotFound if the server knows no such job."""
        return self._call(lambda stubs: stubs.jobs.GetJob, job_pb2.GetJobRequest(name=name)).job

    def jobs(self, states: Iterable[job_pb2.JobState.ValueType] = ()) -> Iterator[job_pb2.Job]:
        """All jobs in one of *states*, or all there are; newest first, fetched page by page."""
        request = job_pb2.ListJobsRequest(states=list(states))
        while True:
            page = self._call(lambda stubs: stubs.jobs.ListJobs, request)
            yield from page.jobs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def cancel(self, name: str) -> job_pb2.Job:
        """Asks a job to stop, which it does within a step. A job that has ended stays as it is."""
        return self._call(lambda stubs: stubs.jobs.CancelJob, job_pb2.CancelJobRequest(name=name)).job

    def watch(self, name: str, after_sequence: int = 0, previews: bool = False) -> Stream[job_pb2.JobEvent]:
        """A job's events behind *after_sequence*, until it ends. None is given twice or left out.

        Goes on by itself after a restart of the server. Heartbeats are not given.
        """
        follow = JobFollow(self._open_watch, self.job, name, after_sequence, previews)
        return Stream(follow, self._reconnect, patience_s=self._patience_s, silence_s=SILENCE_S)

    def wait(self, name: str) -> job_pb2.Job:
        """The job, once it has succeeded.

        Raises:
            JobFailed: it failed; the reason says why.
            JobCancelled: it was cancelled.
        """
        with self.watch(name, after_sequence=self.job(name).last_sequence) as events:
            for _ in events:
                pass
        return succeeded(self.job(name))

    # ---- Results -----------------------------------------------------------------------------------------

    def segments(self, name: str) -> list[result_pb2.Segment]:
        """The segments of a job in order; none before it is planned."""
        request = result_pb2.ListSegmentsRequest(job=name)
        return list(self._call(lambda stubs: stubs.results.ListSegments, request).segments)

    def frames(
        self,
        name: str,
        *,
        layer: result_pb2.Layer.ValueType = result_pb2.LAYER_RESULT,
        range: tuple[int, int] | None = None,
        encoding: result_pb2.FrameEncoding.ValueType = result_pb2.FRAME_ENCODING_PNG,
        max_edge_px: int = 0,
        follow: bool = True,
    ) -> Stream[Frame]:
        """Frames of a result in order, each whole; None is given twice or left out.

        Args:
            range: the first frame and the one behind the last, from the start of the job's range; None = all.
            max_edge_px: frames with a longer side are shrunk to it; 0 = never.
            follow: wait for frames that are still to be made. If the job fails, its error is raised.
        """
        request = result_pb2.StreamFramesRequest(
            job=name, layer=layer, encoding=encoding, max_edge_px=max_edge_px, follow=follow
        )
        if range is not None:
            request.range.start, request.range.end = range
        frames = FramesFollow(self._open_frames, self.job, request)
        return Stream(frames, self._reconnect, patience_s=self._patience_s)

    # ---- Calls -------------------------------------------------------------------------------------------

    def _call(
        self,
        method: Callable[[_Stubs], grpc.UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        timeout_s: float = channel.UNARY_DEADLINE_S,
    ) -> Response:
        """Calls *method*; once more if another server has taken over. Every call may be repeated."""
        stubs = self._stubs
        try:
            return self._call_once(stubs, method, request, timeout_s)
        except (ServerAway, TokenRefused):
            if not self._reconnect() and stubs is self._stubs:
                raise
        return self._call_once(self._stubs, method, request, timeout_s)

    def _call_once(
        self,
        stubs: _Stubs,
        method: Callable[[_Stubs], grpc.UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        timeout_s: float,
    ) -> Response:
        with self._channel_errors():
            return method(stubs)(request, timeout=timeout_s, metadata=stubs.metadata)

    def _open_watch(self, request: job_pb2.WatchJobRequest) -> StreamCall[job_pb2.WatchJobResponse]:
        stubs = self._stubs
        with self._channel_errors():
            return stubs.jobs.WatchJob(request, metadata=stubs.metadata)

    def _open_frames(
        self, request: result_pb2.StreamFramesRequest
    ) -> StreamCall[result_pb2.StreamFramesResponse]:
        stubs = self._stubs
        with self._channel_errors():
            return stubs.results.StreamFrames(request, metadata=stubs.metadata)

    @contextmanager
    def _channel_errors(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            raise rpc_error(error) from error
        except ValueError as error:  # what grpc says of a channel that was closed: by close, or by _reconnect
            reason = CLOSED if self._closed else ""
            raise ServerAway("This connection was closed. Connect again.", reason=reason) from error

    def _reconnect(self) -> bool:
        """Whether the endpoint file names another server than this client's; it is then used from now on."""
        if not self._follows_file:
            return False
        with self._lock:
            try:
                found = read_endpoint(self._folder)
            except UnderstudyError:
                return False
            if found == self._stubs.endpoint:
                return False
            old, self._stubs, self._roots = self._stubs, _Stubs(found), ()
        old.channel.close()
        return True


def succeeded(job: job_pb2.Job) -> job_pb2.Job:
    """*job* if it has succeeded; otherwise raises why not (JobFailed, JobCancelled)."""
    if job.state == job_pb2.JOB_STATE_SUCCEEDED:
        return job
    if job.state == job_pb2.JOB_STATE_CANCELLED:
        raise JobCancelled(f"{job.name} was cancelled.", metadata={"job": job.name})
    assert job.state in ENDED, f"{job.name} has not ended"
    raise job_error(job.error)
