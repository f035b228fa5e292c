from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from understudy_api.endpoint import (
    FILE_NAME,
    Endpoint,
    data_folder,
    read_endpoint,
    remove_endpoint,
    write_endpoint,
)
from understudy_api.errors import ServerAway


def endpoint(**changed: object) -> Endpoint:
    values = {
        "address": "127.0.0.1:5",
        "token": "t0ken",
        "pid": os.getpid(),
        "instance_id": "a",
        "version": "0.1.0",
    }
    return Endpoint(**{**values, **changed})  # type: ignore[arg-type]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_endpoint(endpoint(), tmp_path)
    assert read_endpoint(tmp_path) == endpoint()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_the_file_is_for_its_owner_alone_even_when_it_replaces_an_open_one(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{}")
    (tmp_path / FILE_NAME).chmod(0o644)
    path = write_endpoint(endpoint(), tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_writing_leaves_nothing_else_behind(tmp_path: Path) -> None:
    write_endpoint(endpoint(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_the_token_is_not_in_a_log_line() -> None:
    assert "t0ken" not in repr(endpoint())


def test_no_file_means_no_server_and_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(ServerAway, match="understudy serve") as caught:
        read_endpoint(tmp_path)
    assert caught.value.reason == "SERVER_NOT_RUNNING"


def test_a_file_of_a_process_that_ended_is_stale(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_endpoint(endpoint(pid=ended.pid), tmp_path)
    with pytest.raises(ServerAway, match=f"process {ended.pid}") as caught:
        read_endpoint(tmp_path)
    assert caught.value.reason == "SERVER_GONE"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"address": "x"}', '{"address": 5}', "\x00"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(ServerAway, match=FILE_NAME) as caught:
        read_endpoint(tmp_path)
    assert caught.value.reason == "ENDPOINT_UNREADABLE"


def test_a_server_removes_its_own_file_and_not_its_successors(tmp_path: Path) -> None:
    write_endpoint(endpoint(instance_id="new"), tmp_path)
    remove_endpoint("old", tmp_path)
    assert read_endpoint(tmp_path).instance_id == "new"
    remove_endpoint("new", tmp_path)
    assert not (tmp_path / FILE_NAME).exists()


def test_the_data_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path))
    assert data_folder() == tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG variables are Linux's")
def test_on_linux_the_data_folder_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERSTUDY_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "understudy"
