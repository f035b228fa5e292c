"""The end of a server: patient, hurried, asked for by a signal or by a client."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.server.conftest import animate_spec
from tests.server.support.process import Api, Server, told
from tests.support.waiting import wait_until
from understudy_api.v1 import job_pb2, server_pb2


@pytest.fixture
def server(tmp_path: Path, footage: Path) -> Iterator[Server]:
    """It halts in the first of a job's three segments."""
    server = Server(tmp_path / "home", footage)
    server.fault.halt("step 0 2")
    yield server
    if server.process is not None and server.process.poll() is None:
        server.kill()


def running_job(api: Api) -> str:
    """A job that has made a step of its first segment."""
    name = api.create(animate_spec(api)).name
    next(event for event in api.watch(name) if event.progress.step == 1)
    return name


def segments_kept(server: Server, name: str) -> int:
    """Of three. The wish reaches the engine a little later than the client is told, maybe in the next one."""
    return len(list((server.home / name / "segments").glob("[0-9]*")))


def send(server: Server, number: signal.Signals) -> None:
    assert server.process is not None
    server.process.send_signal(number)


def test_a_drained_server_finishes_the_segment_refuses_new_jobs_and_ends(server: Server) -> None:
    with server.start() as api:
        name = running_job(api)
        api.call(api.servers.DrainServer, server_pb2.DrainServerRequest(patience_seconds=60))
        health = health_pb2_grpc.HealthStub(api.channel).Check(
            health_pb2.HealthCheckRequest(), metadata=api.metadata, timeout=10
        )
        assert health.status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert api.info().draining
        with pytest.raises(grpc.RpcError) as caught:
            api.create(animate_spec(api))
        error = told(caught.value)
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
        assert "takes no new jobs" in error.message
        assert api.job(name).state == job_pb2.JOB_STATE_RUNNING
    server.fault.go_on()
    assert server.ended() == 0
    assert segments_kept(server, name) in (1, 2)
    with server.start() as api:
        job = api.finish(name)
        assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 2)


def test_a_drain_beyond_an_hour_is_refused(server: Server) -> None:
    with server.start() as api:
        for patience in (-1, 3601):
            with pytest.raises(grpc.RpcError) as caught:
                api.call(api.servers.DrainServer, server_pb2.DrainServerRequest(patience_seconds=patience))
            assert told(caught.value).reason == "INVALID_FIELD"
            assert f"patience_seconds is {patience}" in told(caught.value).message
        assert not api.info().draining


@pytest.mark.parametrize(("asked", "segments"), [(signal.SIGTERM, (1, 2)), (signal.SIGINT, (0,))])
def test_sigterm_waits_for_the_segment_and_ctrl_c_for_the_step(
    server: Server, asked: signal.Signals, segments: tuple[int, ...]
) -> None:
    with server.start() as api:
        name = running_job(api)
        send(server, asked)
        wait_until(lambda: api.info().draining)
    if asked is signal.SIGTERM:
        server.fault.go_on()
    assert server.ended() == 0
    assert segments_kept(server, name) in segments


def test_a_second_signal_means_now(server: Server) -> None:
    server.fault.halt("step 0 2", deaf=True)
    with server.start() as api:
        name = running_job(api)
        send(server, signal.SIGTERM)
        wait_until(lambda: api.info().draining)
        send(server, signal.SIGTERM)
        assert server.ended() == 0  # the step never does
    assert not (server.home / "endpoint.json").exists()
    server.fault.go_on()
    with server.start() as api:
        assert api.finish(name).state == job_pb2.JOB_STATE_SUCCEEDED
