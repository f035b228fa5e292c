"""Starts servers as processes of their own, and speaks to them by the generated stubs alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import grpc

from tests.server.support.fault import Fault
from tests.support.waiting import PATIENCE_S, wait_until
from understudy_api.endpoint import Endpoint, read_endpoint
from understudy_api.errors import ServerAway
from understudy_api.v1 import (
    analysis_pb2_grpc,
    job_pb2,
    job_pb2_grpc,
    media_pb2,
    media_pb2_grpc,
    model_pb2_grpc,
    result_pb2,
    result_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
    take_pb2_grpc,
    types_pb2,
)

Response = TypeVar("Response")

ROOT = Path(__file__).resolve().parents[3]
CALL_S = 60.0
PAINT = "tests.server.support.paint:load"

TERMINAL = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


class Server:
    """A server on the data folder *home*, sharing *footage* as the writable root "footage"; it breaks at wish."""

    def __init__(
        self,
        home: Path,
        footage: Path,
        environment: Mapping[str, str] | None = None,
        *,
        module: str = "tests.server.support.serve",
        **settings: Any,
    ) -> None:
        self.home = home
        self._module = module
        self.footage = footage
        home.parent.mkdir(parents=True, exist_ok=True)
        self.fault = Fault(home.parent / f"{home.name}.fault")
        self.environment = {**self.fault.environment, **(environment or {})}
        self._settings = {
            "data_folder": str(home),
            "roots": {"footage": {"path": str(footage), "writable": True}},
            "engine_factory": PAINT,
            "torch_threads": 1,
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **popen: Any) -> Api:
        self.spawn(**popen)
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(ServerAway):
                endpoint = read_endpoint(self.home)
                if endpoint.pid == self.process.pid:
                    return Api(endpoint)
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}: {self.log()}")
            time.sleep(0.02)
        raise AssertionError(f"the server is not up after {PATIENCE_S} s: {self.log()}")

    def spawn(self, **popen: Any) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home.parent / f"{self.home.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self._module, json.dumps(self._settings)],
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **self.environment},
                stdout=log,
                stderr=log,
                **popen,
            )

    def log(self) -> str:
        return (self.home.parent / f"{self.home.name}.log").read_text("utf-8", "replace")[-4000:]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Asks it to end; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """Waits for its end; its exit code."""
        assert self.process is not None
        return self.process.wait(timeout=PATIENCE_S)

    def wait_until_killed(self) -> None:
        assert self.ended() == -signal.SIGKILL

    def engine_pid(self) -> int:
        """Once there is one: between two lives of the engine there is none for a moment."""
        found: list[int] = []

        def alone() -> bool:
            found[:] = self.children("engine_process.worker")
            return len(found) == 1

        wait_until(alone)
        return found[0]

    def finder_pids(self) -> list[int]:
        """Of the process of analyses, if there is one."""
        return self.children("engine_process.finder")

    def children(self, module: str) -> list[int]:
        """Process ids of those that run *module*."""
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children if module in _command(child)]


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:  # it has ended
        return ""


@contextlib.contextmanager
def running(
    home: Path, footage: Path, environment: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[Server]:
    """A started server whose ``api`` is ready; ended with the block, however the block ends."""
    server = Server(home, footage, environment, **settings)
    server.start().close()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a client sees it."""

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: dict[str, str]


class Api:
    """The stubs of one server, with the right token."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.metadata = (("authorization", f"Bearer {endpoint.token}"),)
        self.channel = grpc.insecure_channel(endpoint.address)
        self.servers = server_pb2_grpc.ServerServiceStub(self.channel)
        self.media = media_pb2_grpc.MediaServiceStub(self.channel)
        self.jobs = job_pb2_grpc.JobServiceStub(self.channel)
        self.results = result_pb2_grpc.ResultServiceStub(self.channel)
        self.takes = take_pb2_grpc.TakeServiceStub(self.channel)
        self.analyses = analysis_pb2_grpc.AnalysisServiceStub(self.channel)
        self.models = model_pb2_grpc.ModelServiceStub(self.channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.channel.close()

    def call(self, method: Callable[..., Response], request: Any) -> Response:
        return method(request, metadata=self.metadata, timeout=CALL_S)

    def stream(self, method: Callable[..., Response], request: Any, timeout: float = PATIENCE_S) -> Response:
        return method(request, metadata=self.metadata, timeout=timeout)

    def info(self) -> server_pb2.GetServerInfoResponse:
        return self.call(self.servers.GetServerInfo, server_pb2.GetServerInfoRequest())

    def link(self, name: str, root: str = "footage", kind: int = 0) -> media_pb2.MediaAsset:
        path = types_pb2.RootedPath(root_id=root, relative_path=name)
        request = media_pb2.LinkMediaRequest(path=path, kind=media_pb2.MediaKind.ValueType(kind))
        return self.call(self.media.LinkMedia, request).media

    def create(self, spec: job_pb2.JobSpec, request_id: str = "", display_name: str = "") -> job_pb2.Job:
        request = job_pb2.CreateJobRequest(
            request_id=request_id or str(uuid.uuid4()), spec=spec, display_name=display_name
        )
        return self.call(self.jobs.CreateJob, request).job

    def job(self, name: str) -> job_pb2.Job:
        return self.call(self.jobs.GetJob, job_pb2.GetJobRequest(name=name)).job

    def cancel(self, name: str) -> job_pb2.Job:
        return self.call(self.jobs.CancelJob, job_pb2.CancelJobRequest(name=name)).job

    def watch(self, name: str, after: int = 0, previews: bool = False) -> Iterator[job_pb2.JobEvent]:
        request = job_pb2.WatchJobRequest(name=name, after_sequence=after, previews=previews)
        for response in self.stream(self.jobs.WatchJob, request):
            yield response.event

    def finish(self, name: str) -> job_pb2.Job:
        """The job once it has ended."""
        for _ in self.watch(name):
            pass
        return self.job(name)

    def segments(self, name: str) -> list[result_pb2.Segment]:
        return list(self.call(self.results.ListSegments, result_pb2.ListSegmentsRequest(job=name)).segments)

    def frames(self, name: str, **asked: Any) -> Iterator[tuple[int, result_pb2.FrameHeader, bytes]]:
        """Whole frames: number, header, data."""
        header, data = result_pb2.FrameHeader(), b""
        for chunk in self.stream(
            self.results.StreamFrames, result_pb2.StreamFramesRequest(job=name, **asked)
        ):
            if chunk.HasField("header"):
                header, data = chunk.header, b""
            data += chunk.data
            if chunk.last_chunk:
                yield chunk.frame, header, data


def told(error: grpc.RpcError) -> Told:
    """Exactly one ErrorInfo is in *error*'s details; this is it."""
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    status = types_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.message == error.details()
    assert status.code == error.code().value[0]
    return from_status(status)


def from_status(status: types_pb2.Status) -> Told:
    [detail] = status.details
    assert detail.type_url == "type.googleapis.com/google.rpc.ErrorInfo"
    info = types_pb2.ErrorInfo.FromString(detail.value)
    assert info.domain == "understudy_api.v1"
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    return Told(code, info.reason, status.message, dict(info.metadata))
