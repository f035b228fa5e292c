"""The skeletons that the character follows, from points of the clip."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.preprocess.bodies import standing_person, walking
from tests.support.people import ALONE, plate_of, studio_clip
from understudy_engine.errors import PassMissing
from understudy_engine.preprocess import following
from understudy_engine.preprocess.following import OnCanvas, Retargeted, WithLimbs
from understudy_engine.preprocess.keypoints import on_canvas, skeleton_of
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.proportions import proportioned
from understudy_engine.preprocess.retarget import retarget
from understudy_engine.preprocess.sizing import fit
from understudy_engine.types import FrameSize, LimbFactors

SIZE, SMALL = FrameSize(400, 400), FrameSize(200, 240)
CLIP = walking(4, SIZE).points
PICTURE = np.zeros((SMALL.height, SMALL.width, 3), np.uint8)
NETS = NetFolder(threads=1)
AS_MEASURED = LimbFactors()


@pytest.fixture
def character(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Whom the nets find in the character's picture."""
    points = standing_person(SMALL)
    monkeypatch.setattr(following, "points_of_character", lambda *_, **__: points)
    return points


def retargeted(points: np.ndarray, limbs: LimbFactors = AS_MEASURED) -> Retargeted:
    return Retargeted(points, SIZE, PICTURE, NETS, limbs)


@pytest.mark.parametrize("limbs", [LimbFactors(), LimbFactors(arms=1.3, hands=0.8)])
def test_each_frame_is_retargeted_as_the_whole_clip_is(character: np.ndarray, limbs: LimbFactors) -> None:
    skeletons = [skeleton_of(points) for points in CLIP]
    expected = list(retarget(skeletons, SIZE, skeleton_of(character), SMALL, factors=limbs))
    found = retargeted(CLIP, limbs)
    for index in (2, 0, 3, 1):
        for ours, theirs in zip(found[index], expected[index], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_bodies_are_compared_in_the_first_frame_that_shows_both_shoulders(character: np.ndarray) -> None:
    late = CLIP.copy()
    late[:2, :, 2] = 0
    np.testing.assert_array_equal(retargeted(late)[3].body, retargeted(CLIP[2:])[1].body)


def test_a_clip_or_a_picture_without_shoulders_is_refused(
    character: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = CLIP.copy()
    blind[:, 5, 2] = 0.4
    with pytest.raises(PassMissing, match="None of the 4 frames shows both shoulders"):
        retargeted(blind).compare()
    character[5, 2] = 0.4
    with pytest.raises(PassMissing, match="Nobody with both shoulders was found in the character's picture"):
        retargeted(CLIP).find_character()
    monkeypatch.setattr(following, "points_of_character", lambda *_, **__: None)
    with pytest.raises(PassMissing, match="follow the clip's proportions"):
        retargeted(CLIP).find_character()


def test_the_character_is_found_in_its_picture() -> None:
    picture = plate_of(studio_clip(ALONE, 5))[0]
    body = Retargeted(CLIP, SIZE, picture, NETS, LimbFactors()).find_character()
    assert (body[[2, 5], 2] > 0.5).all()
    assert body[2, 0] < body[5, 0]  # the right shoulder, seen from the front
    assert 0 < body[1, 0] < picture.shape[1]


def test_limbs_are_made_longer_in_the_clip_and_placed_on_the_canvas() -> None:
    limbs, fitted = LimbFactors(legs=1.2), fit(SIZE, 64 * 64)
    expected = list(proportioned([skeleton_of(points) for points in CLIP], limbs))
    placed = OnCanvas(WithLimbs(CLIP, limbs), fitted)
    assert len(placed) == len(CLIP)
    for index in (3, 0):
        for ours, theirs in zip(placed[index], expected[index], strict=True):
            np.testing.assert_array_equal(ours, on_canvas(theirs, fitted))
