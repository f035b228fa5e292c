"""What an engine's beats take for work: they tell its server whether it stands still."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from understudy_server.engine_process import pipe


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What a process has read whose main thread waits, and which computes nothing: to be appended to."""
    told = [0]
    monkeypatch.setattr(pipe, "_bytes_read", lambda: told[-1])
    monkeypatch.setattr(pipe, "_place_of_main_thread", lambda: (1, 1))
    monkeypatch.setattr(time, "process_time", lambda: 7.0)
    return told


def test_a_process_that_only_waits_stands_still(read: list[int]) -> None:
    traces = pipe._Traces()
    assert not traces.are_fresh(0)
    read.append(300)  # its own looking
    assert not traces.are_fresh(0)


def test_reading_from_a_slow_disk_is_getting_on(read: list[int]) -> None:
    traces = pipe._Traces()
    read.append(2 * pipe.READ_OF_A_BEAT)
    assert traces.are_fresh(0)
    assert not traces.are_fresh(0)


def test_a_sign_of_life_is_getting_on(read: list[int]) -> None:
    traces = pipe._Traces()
    assert traces.are_fresh(1)
    assert not traces.are_fresh(1)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not tell what a process has read")
def test_what_this_process_reads_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(bytes(pipe.READ_OF_A_BEAT))
    before = pipe._bytes_read()
    file.read_bytes()
    assert pipe._bytes_read() - before >= pipe.READ_OF_A_BEAT
