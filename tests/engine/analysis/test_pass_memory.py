"""Jobs take what was found before, by an analysis or by another job, and make the same pixels with it, to the bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.analysis.conftest import FRAMES, pictures
from tests.support.tiny import TINY
from understudy_engine.analysis.analyse import analyse
from understudy_engine.analysis.store import PassStore
from understudy_engine.analysis.types import AnalysisRequest
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import DiskFull, PassMissing
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.types import (
    Event,
    FrameRange,
    MatteOptions,
    Mode,
    Named,
    PassFiles,
    PoseOptions,
    Stage,
    SwapRequest,
)

pytestmark = pytest.mark.usefixtures("one_thread")
AS_BEFORE = "finding the person, as found before"


@pytest.fixture
def asked(of_two: Path, shot: Callable[..., SwapRequest]) -> SwapRequest:
    return replace(
        shot(9), clip=of_two, frames=FrameRange(1, 5), matte=MatteOptions(grow_px=0), passes=PassFiles()
    )


def remembering(folder: Path) -> Engine:
    return Engine.load(TINY, EngineOptions(weights="stand-in", passes=folder))


def same(one: Engine, other: Engine, request: SwapRequest) -> bool:
    pairs = zip(pictures(one, request), pictures(other, request), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def found(engine: Engine, request: SwapRequest) -> list[str]:
    """What is told until everybody is found."""
    events: list[Event] = []
    for event in engine.run(request):
        if isinstance(event, Stage) and not event.text.startswith("finding"):
            break
        events.append(event)
    return [event.text for event in events if isinstance(event, Stage)]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_job_behind_an_analysis_looks_for_nobody_and_makes_the_same_pixels(
    engine: Engine, asked: SwapRequest, nets: NetFolder, tmp_path: Path, looked: Counter[str], mode: Mode
) -> None:
    assert asked.clip is not None
    before = AnalysisRequest(clip=asked.clip, frames=asked.frames, matte=mode is Mode.REPLACE)
    list(analyse(before, PassStore(tmp_path), nets))
    job = replace(asked, mode=mode)
    looked.clear()
    assert found(remembering(tmp_path), job)[1:] == [AS_BEFORE]
    assert not looked
    assert same(engine, remembering(tmp_path), job)


def test_the_next_job_on_a_clip_looks_only_for_what_no_job_has_found(
    engine: Engine, asked: SwapRequest, tmp_path: Path, looked: Counter[str]
) -> None:
    remembers = remembering(tmp_path)
    assert same(engine, remembers, asked)
    looked.clear()
    assert found(remembers, asked)[1:] == [AS_BEFORE]
    other = replace(asked, pose=PoseOptions(person=Named(("B",))))
    assert found(remembers, other)[1:] == [
        AS_BEFORE,
        *(f"finding the person, frame {k} of 4" for k in range(1, 5)),
    ]
    assert not looked["PersonDetector"]
    assert same(engine, remembers, other)


def test_who_is_there_is_known_also_to_a_job_that_found_nobody_of_that_name(
    asked: SwapRequest, tmp_path: Path, looked: Counter[str]
) -> None:
    nobody = replace(asked, pose=PoseOptions(person=Named(("Z",))))
    for detected in (4, 0):
        looked.clear()
        with pytest.raises(PassMissing, match="named Z"):
            found(remembering(tmp_path), nobody)
        assert looked["PersonDetector"] == detected


def test_a_job_that_brings_a_pass_neither_takes_nor_keeps_any(
    asked: SwapRequest, shot: Callable[..., SwapRequest], tmp_path: Path
) -> None:
    brings = replace(asked, passes=PassFiles(keypoints=shot(FRAMES).passes.keypoints))
    assert AS_BEFORE not in found(remembering(tmp_path / "passes"), brings)
    assert not (tmp_path / "passes").exists()


def test_a_job_without_room_for_what_it_finds_goes_on(
    engine: Engine, asked: SwapRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DiskFull("The disk is full.")

    monkeypatch.setattr(PassStore, "writing", full)
    assert same(engine, remembering(tmp_path), asked)
