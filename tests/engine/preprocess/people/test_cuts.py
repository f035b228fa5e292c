from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.people import ALONE, TWO, plate_of, studio_clip
from understudy_engine.preprocess.people.cuts import CutFinder

Frames = NDArray[np.uint8]
FRAMES = 5  # of a studio clip, as the tests of the nets use them


def starts(frames: Iterable[Frames]) -> list[int]:
    """Where shots begin, but the first."""
    finder = CutFinder()
    for frame in frames:
        finder.see(frame)
    return [shot.start for shot in finder.shots()][1:]


def one() -> Frames:
    return plate_of(studio_clip(ALONE, FRAMES))


def other() -> Frames:
    return plate_of(studio_clip(TWO, FRAMES))


@pytest.fixture(scope="module")
def landscape() -> Frames:
    """A wide picture of patches, large and small, (360, 2400, 3)."""
    random = np.random.default_rng(5)
    layers = [random.integers(0, 256, (height, width, 3)) for height, width in ((6, 40), (24, 160))]
    large, small = (
        cv2.resize(np.float32(layer), (2400, 360), interpolation=cv2.INTER_CUBIC) for layer in layers
    )
    return np.clip(0.7 * large + 0.3 * small, 0, 255).astype(np.uint8)


def panned(landscape: Frames, *lefts: int) -> list[Frames]:
    return [landscape[:, left : left + 640] for left in lefts]


def test_joined_clips_are_cut_where_they_were_joined() -> None:
    assert starts([*one(), *other()]) == [5]
    assert starts([*one(), *other(), *one()]) == [5, 10]


def test_shots_are_all_of_the_clip() -> None:
    finder = CutFinder()
    assert finder.shots() == []
    for seen, frame in enumerate([*one(), *other()], 1):
        finder.see(frame)
        assert [index for shot in finder.shots() for index in shot.indices] == list(range(seen))


def test_a_clip_of_one_frame_is_one_shot() -> None:
    assert starts(one()[:1]) == []


def test_people_who_act_are_no_cut() -> None:
    assert starts(one()) == starts(other()) == []


def test_a_flash_is_no_cut() -> None:
    frames = np.concatenate([one(), one()[::-1]])
    frames[4] = np.clip(frames[4] * 2.5 + 60, 0, 255)
    frames[5] = 255
    assert starts(frames) == []


def test_a_cut_beside_a_flash_is_found() -> None:
    first = one()
    first[3] = 255
    assert starts([*first, *other()]) == [5]


def test_light_that_changes_for_good_is_no_cut() -> None:
    frames = np.concatenate([one(), one()[::-1]])
    frames[5:] = frames[5:] // 2
    assert starts(frames) == []


@pytest.mark.parametrize("step", [10, 60, 110])  # px a frame of 640: up to a sixth
def test_a_fast_pan_is_no_cut(landscape: Frames, step: int) -> None:
    assert starts(panned(landscape, *range(0, 12 * step, step))) == []


def test_a_whip_pan_is_no_cut(landscape: Frames) -> None:
    assert starts(panned(landscape, 0, 0, 0, 0, 300, 650, 1000, 1350, 1700, 1700, 1700, 1700)) == []


def test_a_cut_to_a_view_of_the_same_colours_is_found() -> None:
    assert starts([*one(), *one()[:, :, ::-1]]) == [5]


def test_black_before_a_picture_is_a_shot_of_its_own() -> None:
    assert starts([*np.zeros_like(one()), *one()]) == [5]


def test_what_is_kept_does_not_grow_with_the_pictures() -> None:
    finder = CutFinder()
    for frame in one():
        finder.see(cv2.resize(frame, (3840, 2160)))
    kept = [part for _, glance in finder._near for part in glance]
    assert sum(part.nbytes for part in kept) < 6 * 3500
    assert all(part.base is None for part in kept)
