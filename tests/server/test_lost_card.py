"""After some errors CUDA refuses all further calls of a process: then the engine's ends, and another goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from understudy_engine.errors import OutOfMemory
from understudy_server.engine_process import devices, finder, worker
from understudy_server.engine_process.explained import explained
from understudy_server.engine_process.messages import AnalysisAssignment, Assignment, Failed
from understudy_server.storage import DataFolder

JOB = "jobs/" + 20 * "0"


def card(synchronize: Any) -> Any:
    return SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: True, synchronize=synchronize))


def broken() -> None:
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


class Pipe:
    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.signs_of_life = 0

    def is_stopped(self, *_: Any, **__: Any) -> bool:
        return False

    def send(self, message: Any) -> None:
        self.sent.append(message)


def work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pipe:
    """What an engine says whose job goes wrong."""
    data, pipe = DataFolder(tmp_path), Pipe()

    def render(*_: Any) -> Iterator[Any]:
        broken()
        yield

    monkeypatch.setattr(worker, "render", render)
    assignment = Assignment(job=JOB, attempt=1, spec=b"", files={}, shown_as={}, delivery="")
    worker._work_on(cast("Any", None), assignment, data, cast("Any", pipe))
    return pipe


def test_an_engine_that_lost_its_card_ends_without_a_word_so_that_the_job_goes_on_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch", card(broken))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        work(monkeypatch, tmp_path)


def test_so_does_a_process_of_analyses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def find(*_: Any) -> Iterator[Any]:
        broken()
        yield

    monkeypatch.setitem(sys.modules, "torch", card(broken))
    monkeypatch.setattr(finder, "find", find)
    monkeypatch.setattr(finder, "nets_of", lambda *_: None)
    pipe = Pipe()
    asked = AnalysisAssignment(
        job="analyses/" + 20 * "0", attempt=1, spec=b"", revision=1, clip="", clip_shown_as=""
    )
    with pytest.raises(RuntimeError, match="illegal memory access"):
        finder._Finder(DataFolder(tmp_path), "nano", 1, cast("Any", pipe)).work_on(asked)
    assert not pipe.sent


def test_an_engine_whose_card_is_well_says_what_went_wrong_and_lives_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch", card(lambda: None))
    monkeypatch.setattr(worker, "explained", lambda error, folder: error)
    [told] = work(monkeypatch, tmp_path).sent
    assert isinstance(told, Failed)


def test_a_processor_is_never_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not devices.card_is_lost()
    monkeypatch.delitem(sys.modules, "torch")
    assert not devices.card_is_lost()


def test_a_card_without_room_for_a_model_is_told_in_words(tmp_path: Path) -> None:
    error = explained(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 30.00 GiB"), tmp_path)
    assert isinstance(error, OutOfMemory)
    assert "graphics card's memory ran out" in str(error)
