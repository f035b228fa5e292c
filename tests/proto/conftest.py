"""Small gRPC servers that answer as the real one would on a bad day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from understudy_api.endpoint import Endpoint
from understudy_api.v1 import (
    job_pb2,
    job_pb2_grpc,
    media_pb2,
    media_pb2_grpc,
    result_pb2,
    result_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
)


class Scripted(
    job_pb2_grpc.JobServiceServicer,
    media_pb2_grpc.MediaServiceServicer,
    result_pb2_grpc.ResultServiceServicer,
    server_pb2_grpc.ServerServiceServicer,
):
    """Answers with what a test has put here, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.watch: Callable[[job_pb2.WatchJobRequest, grpc.ServicerContext], Iterator[job_pb2.JobEvent]]
        self.frames: Callable[
            [result_pb2.StreamFramesRequest, grpc.ServicerContext], Iterator[result_pb2.StreamFramesResponse]
        ]
        self.watch_all: Callable[
            [job_pb2.WatchJobsRequest, grpc.ServicerContext], Iterator[job_pb2.WatchJobsResponse]
        ]
        self.check: Callable[[media_pb2.ContentId], media_pb2.ContentState]
        self.receive: Callable[
            [Iterator[media_pb2.UploadMediaRequest], grpc.ServicerContext], media_pb2.MediaAsset
        ]
        self.job: Callable[[str, grpc.ServicerContext], job_pb2.Job]
        self.info = server_pb2.GetServerInfoResponse(version="test")

    def WatchJob(self, request, context):  # noqa: N802 - the service's own names
        self.asked.append(request)
        for event in self.watch(request, context):
            yield job_pb2.WatchJobResponse(event=event)

    def WatchJobs(self, request, context):  # noqa: N802
        self.asked.append(request)
        yield from self.watch_all(request, context)

    def CheckMedia(self, request, context):  # noqa: N802
        return media_pb2.CheckMediaResponse(states=[self.check(content) for content in request.contents])

    def UploadMedia(self, request_iterator, context):  # noqa: N802
        return media_pb2.UploadMediaResponse(media=self.receive(request_iterator, context))

    def GetJob(self, request, context):  # noqa: N802
        self.asked.append(request)
        return job_pb2.GetJobResponse(job=self.job(request.name, context))

    def StreamFrames(self, request, context):  # noqa: N802
        self.asked.append(request)
        yield from self.frames(request, context)

    def GetServerInfo(self, request, context):  # noqa: N802
        self.asked.append(context.invocation_metadata())
        return self.info


class Running:
    """A server on a free port, or on the port that is given."""

    def __init__(self, scripted: Scripted, port: int = 0) -> None:
        self.scripted = scripted
        self._pool = ThreadPoolExecutor(max_workers=4)
        self._server = grpc.server(self._pool, options=(("grpc.so_reuseport", 0),))
        job_pb2_grpc.add_JobServiceServicer_to_server(scripted, self._server)
        media_pb2_grpc.add_MediaServiceServicer_to_server(scripted, self._server)
        result_pb2_grpc.add_ResultServiceServicer_to_server(scripted, self._server)
        server_pb2_grpc.add_ServerServiceServicer_to_server(scripted, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    def endpoint(self, pid: int = 1, instance_id: str = "one", token: str = "secret") -> Endpoint:
        address = f"127.0.0.1:{self.port}"
        return Endpoint(address=address, token=token, pid=pid, instance_id=instance_id, version="test")

    def stop(self) -> None:
        self._server.stop(grace=None).wait()
        self._pool.shutdown()


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()  # type: ignore[abstract]  # what no test asks for is unimplemented


@pytest.fixture
def run() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(scripted: Scripted, port: int = 0) -> Running:
        started.append(Running(scripted, port))
        return started[-1]

    yield start
    for server in started:
        server.stop()
