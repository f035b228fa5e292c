"""Engines that stand still are found and replaced, and a queue whose jobs all take the engine down is held."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.conftest import animate_spec
from tests.server.support.process import Api, Server, from_status, running
from tests.support.waiting import wait_until
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, server_pb2
from understudy_server.engine_process.messages import Beat, Message, StageBegun, StepDone
from understudy_server.engine_process.watchdog import START_PATIENCE_S, Watchdog
from understudy_server.hold import Hold

JOB = "jobs/1"
STILL, MOVING = Beat(moving=False, devices=[]), Beat(moving=True, devices=[])
PATIENCE_S = 3.0  # an engine beats once a second


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A watchdog, asked twice a second whether the engine hangs."""

    def __init__(self, patience_s: float) -> None:
        self._clock = Clock()
        self.dog = Watchdog(patience_s, self._clock)
        self.dog.heard(STILL)

    def hangs_within(self, seconds: float, message: Message | None = None) -> bool:
        """Whether it does when *message* comes twice a second, or nothing."""
        for _ in range(int(seconds * 2)):
            self._clock.now += 0.5
            if message is not None:
                self.dog.heard(message)
            if self.dog.is_hung():
                return True
        return False

    def sleep(self, seconds: float) -> None:
        self._clock.now += seconds


def step(number: int, steps: int = 4) -> StepDone:
    return StepDone(job=JOB, attempt=1, segment=0, step=number, steps=steps)


def test_an_engine_that_has_not_said_a_word_has_time_to_start() -> None:
    clock = Clock()
    dog = Watchdog(10, clock)
    assert dog.limit_s == START_PATIENCE_S
    dog.heard(STILL)
    assert dog.limit_s == 10
    assert Watchdog(2 * START_PATIENCE_S, clock).limit_s == 2 * START_PATIENCE_S


def test_an_engine_without_work_has_only_to_beat() -> None:
    watched = Watched(10)
    watched.dog.rest()
    assert not watched.hangs_within(100, STILL)
    assert watched.hangs_within(11)


def test_between_steps_only_a_step_counts() -> None:
    watched = Watched(10)
    watched.dog.begin()
    watched.dog.heard(step(1))
    watched.hangs_within(1)
    watched.dog.heard(step(2))
    assert not watched.hangs_within(9, MOVING)
    assert watched.hangs_within(2, MOVING)


def test_before_the_first_step_and_after_the_last_moving_is_enough() -> None:
    watched = Watched(10)
    watched.dog.begin()
    assert not watched.hangs_within(100, MOVING)
    for number in (1, 2, 3, 4):
        watched.dog.heard(step(number))
    assert not watched.hangs_within(100, MOVING)
    watched.dog.heard(StageBegun(job=JOB, attempt=1, segment=1, text="reading the clip"))
    assert watched.hangs_within(11, STILL)


def test_slow_steps_have_five_times_their_median() -> None:
    watched = Watched(10)
    watched.dog.begin()
    for number in (1, 2, 3):
        watched.dog.heard(step(number, steps=9))
        assert not watched.hangs_within(8, STILL)
    assert watched.dog.limit_s == 40
    assert not watched.hangs_within(30, STILL)
    assert watched.hangs_within(12, STILL)


def test_a_pause_of_the_server_itself_is_not_held_against_the_engine() -> None:
    watched = Watched(10)
    watched.dog.begin()
    watched.sleep(3600)
    assert not watched.dog.is_hung()
    assert watched.hangs_within(11)


# ---- A real process --------------------------------------------------------------------------------------


@pytest.fixture
def serving(tmp_path: Path, footage: Path) -> Iterator[Callable[..., Server]]:
    """Makes a server whose engine may stand still for a moment."""
    servers: list[Server] = []

    def make(hang_seconds: float = PATIENCE_S, **environment: str) -> Server:
        reliability = {"hang_seconds": hang_seconds}
        servers.append(Server(tmp_path / "home", footage, environment, reliability=reliability))
        return servers[-1]

    yield make
    for server in servers:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def test_a_frozen_engine_is_replaced_and_its_job_goes_on(serving: Callable[..., Server]) -> None:
    server = serving()
    server.fault.wish("step 1 1", "engine", blow=signal.SIGSTOP)
    with server.start() as api:
        job = api.finish(api.create(animate_spec(api)).name)
        assert server.fault.deaths == 1
        assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 2)
        wait_until(lambda: api.info().engine_state == server_pb2.ENGINE_STATE_IDLE)
        frozen = server.engine_pid()
        os.kill(frozen, signal.SIGSTOP)  # while it has nothing to do
        wait_until(lambda: server.engine_pid() != frozen)
        assert api.finish(api.create(animate_spec(api)).name).attempt == 1


def test_a_job_that_hangs_the_engine_twice_fails_by_name(serving: Callable[..., Server]) -> None:
    server = serving(STEP_S="600", SILENT="1")
    with server.start() as api:
        job = api.finish(api.create(animate_spec(api)).name)
        assert (job.state, job.attempt) == (job_pb2.JOB_STATE_FAILED, 2)
        error = from_status(job.error)
        assert error.reason == "WORKER_HUNG"
        assert "stood still for 3 s at segment 1 of this job" in error.message


# ---- The hold --------------------------------------------------------------------------------------------


def test_deaths_under_several_jobs_close_the_queue_for_a_while() -> None:
    clock = Clock()
    hold = Hold(deaths=3, seconds=600, clock=clock)
    for job in ("a", "a", "b"):
        assert hold.reason == ""
        hold.died(job)
        clock.now += 10
    assert hold.remaining_s == 590
    assert hold.reason.startswith("The engine died 3 times under 2 jobs. The queue goes on in 590 s")
    clock.now += 590
    assert (hold.reason, hold.remaining_s) == ("", 0.0)


def test_one_job_alone_or_deaths_far_apart_hold_nothing() -> None:
    clock = Clock()
    hold = Hold(deaths=3, seconds=600, clock=clock)
    for _ in range(5):
        hold.died("a")
    assert not hold.reason
    hold.open()
    for job in ("a", "b", "c", "d"):
        hold.died(job)
        clock.now += 400
    assert not hold.reason


def test_the_queue_is_held_after_three_deaths_until_somebody_does_something(
    serving: Callable[..., Server],
) -> None:
    server = serving(hang_seconds=60)
    server.fault.wish("step 0 2", "engine", times=3)
    server.fault.halt("segment 0")  # a job created after a death would begin the count anew
    with server.start() as api:
        first, second = api.create(animate_spec(api)), api.create(animate_spec(api))
        server.fault.go_on()
        assert from_status(api.finish(first.name).error).reason == "WORKER_CRASHED"
        stream = api.stream(api.servers.WatchServer, server_pb2.WatchServerRequest())
        held = next(now for now in stream if now.held_reason)
        assert held.held_reason.startswith("The engine died 3 times under 2 jobs.")
        assert held.queued_jobs == 1
        wait_until(lambda: api.info().engine_state == server_pb2.ENGINE_STATE_IDLE)
        assert api.job(second.name).state == job_pb2.JOB_STATE_QUEUED
        third = api.create(animate_spec(api))
        assert not next(now for now in stream if not now.held_reason).held_reason
        stream.cancel()
        for name in (second.name, third.name):
            assert api.finish(name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_the_server_is_told_as_it_changes(tmp_path: Path, footage: Path) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        server.fault.halt("segment 0")
        stream = api.stream(api.servers.WatchServer, server_pb2.WatchServerRequest())
        now = next(stream)
        assert (now.queued_jobs, now.running_job, now.held_reason, now.draining) == (0, "", "", False)
        assert now.free_disk_bytes > 0
        first, _ = api.create(animate_spec(api)), api.create(animate_spec(api))
        busy = next(now for now in stream if now.running_job)
        assert (busy.running_job, busy.engine_state) == (first.name, server_pb2.ENGINE_STATE_BUSY)
        assert busy.devices[0].free_memory_bytes > 0
        server.fault.go_on()
        done = next(now for now in stream if now.engine_state == server_pb2.ENGINE_STATE_IDLE)
        assert (done.queued_jobs, done.running_job) == (0, "")
        stream.cancel()
