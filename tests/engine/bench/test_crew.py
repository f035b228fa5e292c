"""Processes that share the clips: what they find is what one process finds."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_engine.bench.crew import measured
from understudy_engine.bench.report import run
from understudy_engine.bench.station import Measured, Setup
from understudy_engine.errors import EngineError, WeightsMissing


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    weights = pack_model(TINY, tmp_path_factory.mktemp("weights"))
    return Setup(spec=TINY, weights=weights, frames=3, size_px=48)


def test_several_processes_find_what_one_finds(setup: Setup, tmp_path: Path) -> None:
    alone, shared = (replace(setup, gallery=tmp_path / name) for name in ("alone", "shared"))
    told: list[str] = []
    one, two = run(alone, 2, tell=lambda text: None), run(shared, 2, workers=2, tell=told.append)
    assert told == ["clip 1 of 2", "clip 2 of 2"]
    assert two.conditions == one.conditions
    assert two.shown == one.shown
    assert list(two.rows) == list(one.rows)
    for name, row in one.rows.items():
        for metric, figure in row.figures.items():
            if metric != "seconds_per_frame":
                assert two.rows[name].figures[metric] == (figure and pytest.approx(figure, rel=1e-4)), (
                    name,
                    metric,
                )
    files = sorted((tmp_path / "alone").iterdir())
    assert [file.name for file in files] == ["100.jpg", "100.mp4", "101.jpg", "101.mp4"]
    for file in files:
        assert (tmp_path / "shared" / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_process_that_dies_is_an_error_that_names_its_clip(setup: Setup) -> None:
    found: list[Measured] = []

    def read_until_they_die() -> None:
        for clip in measured(setup, range(6), workers=2):
            found.append(clip)
            for worker in multiprocessing.active_children():
                worker.kill()

    with pytest.raises(EngineError, match=r"seed 10[0-7] has ended without a result") as raised:
        read_until_they_die()
    assert raised.value.facts["seed"] not in [100 + clip.number for clip in found]
    assert not multiprocessing.active_children()


def test_what_a_process_refuses_is_said_as_one_process_says_it(setup: Setup, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="pose_meter"):
        list(measured(replace(setup, meters=tmp_path), range(2), workers=2))
    assert not multiprocessing.active_children()
