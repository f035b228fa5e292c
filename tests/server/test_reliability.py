"""Processes are killed at every stage of a job; afterwards the job is done and its pixels are the same."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import plane_digest, segment_digests
from tests.server.support.process import Api, Server, from_status, running, told
from tests.support.waiting import wait_until
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2, server_pb2, types_pb2

STAGES = (
    "plan",
    "segment 0",
    "step 0 2",
    "before store_segment",
    "after write_layer",  # one layer of the first segment is written
    "after store_segment",  # stored, and the server does not know
    "step 1 1",
    "before join",
    "after join",
    "before place",  # the delivery is made and lies aside
    "after place",  # it is there, and the server does not know
)


def deliver_spec(api: Api, name: str) -> job_pb2.JobSpec:
    spec = animate_spec(api, seed=7)
    spec.animate.delivery.path.CopyFrom(types_pb2.RootedPath(root_id="footage", relative_path=name))
    return spec


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> list[str]:
    """What the job makes when nothing happens to it."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    with running(home, footage) as server, Api(read_endpoint(home)) as api:
        job = api.finish(api.create(animate_spec(api, seed=7)).name)
        return [*segment_digests(server.home, job), plane_digest(home / job.name / "master.mkv")]


@pytest.fixture
def breaking(tmp_path: Path, footage: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers that break where they are told; what still runs at the end is ended."""
    servers: list[Server] = []

    def make(at: str, victim: str, times: int = 1) -> Server:
        servers.append(Server(tmp_path / "home", footage))
        servers[-1].fault.wish(at, victim, times)
        return servers[-1]

    yield make
    for server in servers:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def check_result(server: Server, job: job_pb2.Job, delivery: Path, undisturbed: list[str]) -> None:
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, from_status(job.error)
    master = server.home / job.name / "master.mkv"
    assert [*segment_digests(server.home, job), plane_digest(master)] == undisturbed
    assert delivery.stat().st_size == job.outputs[1].size_bytes
    leftovers = [*(server.home / "jobs").rglob(".*"), *delivery.parent.glob(".understudy-*")]
    assert leftovers == []


def check_events(events: list[job_pb2.JobEvent]) -> None:
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    stored = [event.segment_stored.index for event in events if event.HasField("segment_stored")]
    assert stored == [0, 1, 2]
    fractions = [event.progress.fraction for event in events if event.HasField("progress")]
    assert fractions == sorted(fractions)


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    """A server for many deaths, one after the other; nothing is wished before its first job."""
    with running(tmp_path_factory.mktemp("mortal") / "home", footage) as server:
        yield server


@pytest.mark.parametrize("stage", STAGES)
def test_a_job_survives_the_death_of_its_engine(
    stage: str, mortal: Server, footage: Path, undisturbed: list[str]
) -> None:
    name = f"engine-{STAGES.index(stage)}.mp4"
    with Api(read_endpoint(mortal.home)) as api:
        mortal.fault.wish(stage, "engine")
        job = api.finish(api.create(deliver_spec(api, name)).name)
        assert mortal.fault.deaths == 1
        assert job.attempt == 2
        check_result(mortal, job, footage / name, undisturbed)
        check_events(list(api.watch(job.name)))


@pytest.mark.parametrize("stage", STAGES)
def test_a_job_survives_the_death_of_its_server(
    stage: str, mortal: Server, footage: Path, undisturbed: list[str]
) -> None:
    name = f"server-{STAGES.index(stage)}.mp4"
    mortal.fault.wish(stage, "server")
    with Api(read_endpoint(mortal.home)) as api:
        job_name = api.create(deliver_spec(api, name)).name
    mortal.wait_until_killed()
    assert mortal.fault.deaths == 1
    with mortal.start() as api:
        job = api.finish(job_name)
        assert job.attempt == 2
        check_result(mortal, job, footage / name, undisturbed)
        check_events(list(api.watch(job.name)))


def test_a_job_waits_for_the_engine_after_one_that_dies_while_it_loads(
    breaking: Callable[..., Server],
) -> None:
    with breaking("load", "engine").start() as api:
        job = api.finish(api.create(animate_spec(api)).name)
        assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 1)


def test_segments_that_were_stored_are_not_made_again(breaking: Callable[..., Server]) -> None:
    server = breaking("step 2 1", "engine")
    with server.start() as api:
        name = api.create(animate_spec(api, seed=7)).name
        files = server.home / name / "segments" / "00000" / "result.mkv"
        written = []
        for event in api.watch(name):
            if event.HasField("segment_stored"):
                written.append(files.stat().st_mtime_ns)
        assert len(set(written)) == 1
        steps = [event.progress for event in api.watch(name) if event.progress.step == 1]
        assert [progress.segments_done for progress in steps] == [0, 1, 2]  # the third died before it told


def test_a_damaged_segment_is_made_again(breaking: Callable[..., Server], undisturbed: list[str]) -> None:
    server = breaking("step 2 1", "server")
    with server.start() as api:
        name = api.create(animate_spec(api, seed=7)).name
    server.wait_until_killed()
    damaged = server.home / name / "segments" / "00001" / "result.mkv"
    content = bytearray(damaged.read_bytes())
    content[-200] ^= 1
    damaged.write_bytes(content)
    with server.start() as api:
        job = api.finish(name)
        assert job.state == job_pb2.JOB_STATE_SUCCEEDED
        assert segment_digests(server.home, job) == undisturbed[:-1]


def test_a_job_that_kills_the_engine_twice_fails_and_the_next_one_runs(
    breaking: Callable[..., Server],
) -> None:
    server = breaking("step 1 2", "engine", times=2)
    with server.start() as api:
        killer, next_one = api.create(animate_spec(api)), api.create(animate_spec(api))
        job = api.finish(killer.name)
        assert job.state == job_pb2.JOB_STATE_FAILED
        error = from_status(job.error)
        assert error.reason == "WORKER_CRASHED"
        assert "died 2 times at segment 2" in error.message
        assert api.segments(killer.name)[0].state == result_pb2.SEGMENT_STATE_STORED
        assert api.finish(next_one.name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_a_server_told_to_end_gives_its_job_back_and_goes_on_with_it_later(
    tmp_path: Path, footage: Path, undisturbed: list[str]
) -> None:
    server = Server(tmp_path / "home", footage)
    server.fault.halt("step 1 2")
    with server.start() as api:
        spec = animate_spec(api, seed=7)
        name = api.create(spec).name
        for event in api.watch(name):
            if event.progress.segments_done == 1 and event.progress.step == 1:
                break
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: api.info().draining)
        with pytest.raises(grpc.RpcError) as caught:
            api.create(spec)
        assert told(caught.value).reason == "SERVER_DRAINING"
        server.fault.go_on()
        assert server.ended() == 0
        assert not (server.home / "endpoint.json").exists()
    with server.start() as api:
        events = list(api.watch(name))
        states = [event.state_changed.state for event in events if event.HasField("state_changed")]
        assert states[2:4] == [job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_QUEUED]
        job = api.job(name)
        assert job.state == job_pb2.JOB_STATE_SUCCEEDED
        assert segment_digests(server.home, job) == undisturbed[:-1]
    assert server.stop() == 0


def test_no_engine_outlives_its_server(tmp_path: Path, footage: Path) -> None:
    server = Server(tmp_path / "home", footage, {"STEP_S": "600"})
    with server.start() as api:
        name = api.create(animate_spec(api)).name
        wait_until(lambda: api.job(name).state == job_pb2.JOB_STATE_RUNNING)
        engine = server.engine_pid()
    server.kill()
    wait_until(lambda: not Path(f"/proc/{engine}").exists())


def test_an_engine_that_dies_without_a_job_is_replaced(tmp_path: Path, footage: Path) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        assert api.finish(api.create(animate_spec(api)).name).attempt == 1
        wait_until(lambda: api.info().engine_state == server_pb2.ENGINE_STATE_IDLE)
        os.kill(server.engine_pid(), signal.SIGKILL)
        job = api.finish(api.create(animate_spec(api)).name)
        assert job.state == job_pb2.JOB_STATE_SUCCEEDED


def test_an_engine_that_cannot_load_its_model_fails_the_job_with_the_reason(
    tmp_path: Path, footage: Path
) -> None:
    real = "understudy_server.engine_process.factory:load"
    with (
        running(
            tmp_path / "home", footage, default_model="wan2.2-animate-14b", engine_factory=real
        ) as server,
        Api(read_endpoint(server.home)) as api,
    ):
        job = api.finish(api.create(animate_spec(api)).name)
        error = from_status(job.error)
        assert error.reason == "MODEL_NOT_INSTALLED"
        assert "wan2.2-animate-14b" in error.message
        assert api.finish(api.create(animate_spec(api)).name).state == job_pb2.JOB_STATE_FAILED


def test_a_job_waits_while_the_store_cannot_be_written_and_then_goes_on(
    tmp_path: Path, footage: Path, undisturbed: list[str]
) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        server.fault.halt("step 1 1")
        name = api.create(animate_spec(api, seed=7)).name
        for event in api.watch(name):
            if event.HasField("segment_stored"):
                break
        assert server.process is not None
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with pytest.raises(grpc.RpcError) as caught:
            api.create(animate_spec(api))
        assert told(caught.value).reason == "DISK_FULL"
        server.fault.go_on()
        stream = api.stream(api.servers.WatchServer, server_pb2.WatchServerRequest())
        assert "data folder is full" in next(now for now in stream if now.held_reason).held_reason
        stream.cancel()
        assert api.job(name).state == job_pb2.JOB_STATE_RUNNING
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        job = api.finish(name)
        assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 1)
        assert segment_digests(server.home, job) == undisturbed[:-1]
        check_events(list(api.watch(name)))


def test_an_engine_that_dies_twice_while_loading_fails_the_waiting_job_and_is_tried_again(
    breaking: Callable[..., Server],
) -> None:
    server = breaking("load", "engine", times=3)
    with server.start() as api:
        job = api.finish(api.create(animate_spec(api)).name)
        error = from_status(job.error)
        assert (job.attempt, error.reason) == (0, "WORKER_CRASHED")
        assert "while it loaded the model" in error.message
        while api.finish(api.create(animate_spec(api)).name).state == job_pb2.JOB_STATE_FAILED:
            pass
