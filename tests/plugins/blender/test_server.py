"""Finding the server, and starting one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.plugins.blender.support.extension import load
from understudy_engine.model.configs import NANO
from understudy_engine.weights.installed import find_weights, notice_of
from understudy_engine.weights.parts import Part
from understudy_server.cli.launch import stop_server

server = load("server")
live = load("live")
errors = load("_api.errors")
endpoint = load("_api.endpoint")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs here are shell scripts")


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other server is started beside these."""
    monkeypatch.setattr(load("_api.starting"), "GRACE_S", 0.0)


def program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_server_is_started_and_answers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = program(tmp_path / "understudy", f'exec "{sys.executable}" -m understudy_server "$@"')
    said: list[str] = []
    client = server.connect(server.ServerChoice(command=command, data_folder=home), said.append)
    try:
        assert client.info().version == "0.1.0"
        assert said == ["starting the server"]
        about = live.ask(server.ServerChoice(data_folder=home))
        weights = find_weights(NANO.name)
        assert (about.state, about.version, about.model) == (live.State.READY, "0.1.0", NANO.title)
        assert about.steps == NANO.sampling.steps
        assert about.notice == notice_of(NANO, weights)
        assert about.four_step == (Part.FOUR_STEP_LORA in weights.loras)
    finally:
        client.close()
        stop_server(home)


def test_a_program_that_ends_at_once_is_told_of(tmp_path: Path) -> None:
    command = program(tmp_path / "understudy", "exit 7")
    with pytest.raises(errors.ServerAway, match=r"did not start.*exit code 7") as caught:
        server.connect(server.ServerChoice(command=command, data_folder=tmp_path))
    assert caught.value.reason == "SERVER_NOT_STARTED"


def test_what_a_program_said_before_it_ended_is_told(tmp_path: Path) -> None:
    command = program(tmp_path / "understudy", "echo starting; echo The disk is full. >&2; exit 1")
    with pytest.raises(errors.ServerAway, match=r"did not start: The disk is full.*server\.log"):
        server.connect(server.ServerChoice(command=command, data_folder=tmp_path / "home"))


def test_a_data_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    command = program(tmp_path / "understudy", "exit 0")
    home = tmp_path / "understudy" / "home"
    with pytest.raises(errors.ServerAway, match=r"The server cannot be started: .*Not a directory"):
        server.connect(server.ServerChoice(command=command, data_folder=home))


def test_a_program_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    choice = server.ServerChoice(command=str(tmp_path / "understudy"), data_folder=tmp_path)
    with pytest.raises(errors.ServerAway, match=r"cannot be run.*preferences"):
        server.connect(choice)


def test_nothing_goes_to_another_machine_in_the_open(tmp_path: Path) -> None:
    there = endpoint.Endpoint(
        address="192.0.2.1:9", token="t", pid=os.getpid(), instance_id="i", version="0.1.0"
    )
    endpoint.write_endpoint(there, tmp_path)
    with pytest.raises(errors.Unsupported, match=r"ssh -N -L 9:127\.0\.0\.1:9 192\.0\.2\.1"):
        server.connect(server.ServerChoice(data_folder=tmp_path))
