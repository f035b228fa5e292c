"""The panel's line about the server follows it, and nobody waits for that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.blender.support.extension import load
from tests.support.waiting import wait_until
from understudy_api.v1 import server_pb2
from understudy_server.cli.launch import start_server, stop_server

live = load("live")
errands = load("errands")
server = load("server")

ENGINE = "tests.plugins.blender.support.invert_engine:load"


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def listener(tmp_path: Path, told: list[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(live, "AGAIN_S", 0.1)
    listener = live.Listener(server.ServerChoice(data_folder=tmp_path), told.append)
    yield listener
    listener.close()


def test_a_server_that_comes_and_goes_is_told_of(listener: Any, told: list[Any], tmp_path: Path) -> None:
    wait_until(lambda: told)
    assert (told[0].state, told[0].reason) == (live.State.AWAY, "SERVER_NOT_RUNNING")
    start_server(tmp_path, [], ["--engine-factory", ENGINE])
    try:
        wait_until(lambda: told[-1].state is live.State.READY)
        assert (told[-1].model, told[-1].steps) == ("nano", 8)
        live.stop(server.ServerChoice(data_folder=tmp_path))
    except BaseException:
        stop_server(tmp_path)
        raise
    wait_until(lambda: told[-1].state is live.State.AWAY)
    assert all(before != now for before, now in pairwise(told)), "the same was told again and again"


def test_what_computes_is_told_once_the_engine_has_told_the_server() -> None:
    started = live.About(state=live.State.READY, model="nano")
    known = live.with_change(started, changed(devices=[server_pb2.Device(name="H200")]))
    assert known.device == "H200"
    assert live.with_change(known, changed(running_job="jobs/1")).device == "H200"


def changed(**fields: Any) -> Any:
    return server_pb2.WatchServerResponse(**fields)


def test_what_threads_post_is_done_by_who_takes_it_within_its_time() -> None:
    found = errands.Errands()
    done: list[str] = []
    found.begin(lambda post: (post(lambda: done.append("first")), lambda: done.append("last"))[1], "test")
    assert found.pending
    wait_until(lambda: found.take(time.monotonic() + 1) or not found.pending)
    wait_until(lambda: not found.pending or found.take(time.monotonic() + 1))
    assert done == ["first", "last"]
    assert not found.take(time.monotonic() - 1)


def test_an_errand_that_breaks_ends_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    found = errands.Errands()
    found.begin(lambda post: 1 / 0, "test")
    wait_until(lambda: not found.pending or found.take(time.monotonic() + 1))
    assert "test failed" in caplog.text
    assert not found.pending


def test_what_breaks_on_the_main_thread_stops_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    found = errands.Errands()
    done: list[str] = []
    found.post(lambda: done.append(str(1 / 0)))
    found.post(lambda: done.append("next"))
    assert found.take(time.monotonic() + 10)
    assert done == ["next"]
    assert "ZeroDivisionError" in caplog.text
