"""Frames that somebody gives instead of what was found: exact, and nothing is looked for again because of them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.engine.analysis.conftest import FRAMES
from tests.engine.analysis.test_analyse import ALL, corrections, done, result
from understudy_engine.analysis.analyse import analyse
from understudy_engine.analysis.store import PassStore
from understudy_engine.analysis.types import Analysis, AnalysisEvent, AnalysisRequest, Pass
from understudy_engine.errors import PassMismatch, UnsupportedMedia
from understudy_engine.media.isolated import isolated
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import RgbSource
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.types import FrameRange

KEPT = dict.fromkeys(ALL, True)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassStore:
    return PassStore(tmp_path_factory.mktemp("passes"))


@pytest.fixture
def first(nets: NetFolder, store: PassStore, of_two: Path) -> tuple[AnalysisRequest, Analysis]:
    request = AnalysisRequest(clip=of_two, frames=FrameRange(1, FRAMES))
    return request, result(list(analyse(request, store, nets)))


def points_of(analysis: Analysis) -> np.ndarray:
    return np.array(json.loads(analysis.keypoints.read_text())["frames"])


def mattes_of(analysis: Analysis) -> np.ndarray:
    assert analysis.matte is not None
    with open_clip(analysis.matte) as clip:
        return RgbSource(clip).read(range(FRAMES - 1))[..., 0]


def paint(folder: Path, frame: int, matte: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / f"{frame:08d}.png"), matte)
    return folder


def test_given_points_hold_to_the_bit_and_only_points_and_faces_are_made_again(
    nets: NetFolder, store: PassStore, first: tuple[AnalysisRequest, Analysis], looked: Counter[str]
) -> None:
    request, before = first
    looked.clear()
    own = np.random.default_rng(0).uniform(1, 120, (133, 3)).astype(np.float32)
    own[:, 2] = 1
    absent = np.zeros((133, 3), np.float32)
    events: list[AnalysisEvent] = list(
        analyse(replace(request, own_points={2: own, 4: own, 5: absent, 0: own}), store, nets)
    )
    assert (done(events), looked) == (KEPT | {Pass.MOTION: False}, Counter())
    after = points_of(result(events))
    assert np.array_equal(after[1].astype(np.float32), own)
    assert np.array_equal(after[3].astype(np.float32), own)  # in frame 4 nobody had been found
    assert not after[4].any()
    assert not np.array_equal(points_of(before)[1], after[1])
    boxes = json.loads(result(events).face_boxes.read_text())["boxes"]
    assert (boxes[3] is None, boxes[4] is None) == (False, True)


def test_a_correction_holds_in_a_given_frame_and_is_not_carried_into_another(
    nets: NetFolder, store: PassStore, first: tuple[AnalysisRequest, Analysis], tmp_path: Path
) -> None:
    request, _ = first
    own = np.full((133, 3), 30, np.float32)
    own[:, 2] = 1
    asked = replace(request, own_points={1: own, 2: own}, corrections=corrections(tmp_path))
    after = points_of(result(list(analyse(asked, store, nets))))
    assert after[0, 0].tolist() == [64, 20, 1]  # frame 1's nose
    assert (after[0, 1:, :2] == 30).all()
    assert (after[1, :, :2] == 30).all()


def test_painted_mattes_hold_to_the_bit_and_others_stay_as_they_were(
    nets: NetFolder,
    store: PassStore,
    first: tuple[AnalysisRequest, Analysis],
    looked: Counter[str],
    tmp_path: Path,
) -> None:
    request, before = first
    looked.clear()
    own = np.random.default_rng(0).integers(0, 256, (128, 128), np.uint8)
    paint(tmp_path / "own", 2, own)
    paint(tmp_path / "own", 5, np.zeros((128, 128), np.uint8))
    paint(tmp_path / "own", 0, own)  # outside the range
    asked = replace(request, own_mattes=tmp_path / "own")
    events = list(analyse(asked, store, nets, isolated()))
    assert (done(events), looked) == (
        KEPT | {Pass.PAINTED: False, Pass.MOTION: False},  # nobody is in frame 5 any more
        Counter(),
    )
    made, found = mattes_of(result(events)), mattes_of(before)
    assert np.array_equal(made[1], own)
    assert not made[4].any()
    assert not points_of(result(events))[4].any()
    assert np.array_equal(made[[0, 2, 3]], found[[0, 2, 3]])
    paint(tmp_path / "own", 2, 255 - own)  # the person is where they were: the points do not depend on it
    again = list(analyse(asked, store, nets, isolated()))
    assert done(again) == KEPT | {Pass.PAINTED: False, Pass.MOTION: True}


def test_a_painted_matte_of_another_size_or_without_a_number_is_refused(
    nets: NetFolder, store: PassStore, first: tuple[AnalysisRequest, Analysis], tmp_path: Path
) -> None:
    request, _ = first
    small = paint(tmp_path / "small", 2, np.zeros((64, 128), np.uint8))
    with pytest.raises(PassMismatch, match="is 128x64, but the clip is 128x128"):
        list(analyse(replace(request, own_mattes=small), store, nets))
    (small / "00000002.png").rename(small / "two.png")
    with pytest.raises(UnsupportedMedia, match=r"two\.png does not tell the frame"):
        list(analyse(replace(request, own_mattes=small), store, nets))
