"""Mattes that grow otherwise around the head than around the rest of the body."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from understudy_engine.preprocess.growth import grow_each, grow_parts, reaches
from understudy_engine.preprocess.keypoints import FACE
from understudy_engine.preprocess.matte import grow, margin
from understudy_engine.types import FrameSize, MatteOptions

from .bodies import standing_person

SIZE = FrameSize(300, 300)
HAIR, CLOTHES = 30, 3
PARTS = MatteOptions(grow_hair_px=HAIR, grow_clothes_px=CLOTHES)


@pytest.fixture
def person() -> NDArray[np.float32]:
    """(133, 3): the head's middle at 150, 60, shoulders at 96, feet at 280."""
    return standing_person(SIZE)


@pytest.fixture
def matte() -> NDArray[np.uint8]:
    """The same person: a head, a body."""
    drawn = np.zeros((SIZE.height, SIZE.width), np.uint8)
    cv2.circle(drawn, (150, 60), 22, 255, cv2.FILLED)
    cv2.rectangle(drawn, (110, 82), (190, 280), 255, cv2.FILLED)
    return drawn


def span(line: NDArray[np.uint8]) -> tuple[int, int]:
    inside = np.flatnonzero(line)
    return int(inside[0]), int(inside[-1])


def test_hair_and_clothes_grow_each_by_their_own(
    person: NDArray[np.float32], matte: NDArray[np.uint8]
) -> None:
    grown = grow_parts(matte, person, PARTS, 1.0)
    assert span(grown[:, 150]) == (60 - 22 - HAIR, 280 + CLOTHES)
    assert span(grown[200]) == (110 - CLOTHES, 190 + CLOTHES)
    assert span(grown[60]) == (150 - 22 - HAIR, 150 + 22 + HAIR)


@pytest.mark.parametrize(
    ("options", "top", "bottom"),
    [(MatteOptions(grow_hair_px=30), 30, 9), (MatteOptions(grow_clothes_px=30), 9, 30)],
)
def test_what_is_not_told_grows_by_the_whole_mattes_growth(
    person: NDArray[np.float32], matte: NDArray[np.uint8], options: MatteOptions, top: int, bottom: int
) -> None:
    grown = grow_parts(matte, person, options, 1.0)
    assert span(grown[:, 150])[0] == 60 - 22 - top
    assert span(grown[240]) == (110 - bottom, 190 + bottom)


def test_growth_is_in_model_pixels_whatever_the_plate(
    person: NDArray[np.float32], matte: NDArray[np.uint8]
) -> None:
    grown = grow_parts(matte, person, MatteOptions(grow_hair_px=10, grow_clothes_px=2), 0.5)
    assert span(grown[:, 150]) == (60 - 22 - 20, 280 + 4)
    assert margin(MatteOptions(grow_hair_px=10, grow_clothes_px=2, grow_px=1), 0.5) == 20


def test_there_is_no_seam(person: NDArray[np.float32], matte: NDArray[np.uint8]) -> None:
    for hair, clothes in ((60, 0), (0, 60), (30, 3), (5, 4)):
        options = MatteOptions(grow_hair_px=hair, grow_clothes_px=clothes)
        reach = reaches(person, SIZE, options, 1.0)
        assert reach is not None
        assert max(np.abs(np.diff(reach, axis=axis)).max() for axis in (0, 1)) == 1
        grown = grow_parts(matte, person, options, 1.0)
        assert cv2.connectedComponents(grown)[0] == 2  # one, and what is around it
        assert (grown >= grow(matte, min(hair, clothes))).all()
        assert (grown <= grow(matte, max(hair, clothes))).all()


def test_as_much_for_both_is_growing_everywhere_alike_to_the_bit(person: NDArray[np.float32]) -> None:
    soft = np.random.default_rng(2).integers(0, 256, (SIZE.height, SIZE.width), np.uint8)
    soft[:, :100] = 0
    for pixels in (0, 7):
        options = MatteOptions(grow_hair_px=pixels, grow_clothes_px=pixels)
        assert np.array_equal(grow_parts(soft, person, options, 1.0), grow(soft, pixels))


def test_every_pixel_spreads_as_far_as_its_own_reach() -> None:
    random = np.random.default_rng(3)
    matte = (random.random((40, 60)) > 0.97).astype(np.uint8) * random.integers(1, 256, (40, 60), np.uint8)
    reach = random.integers(1, 6, (40, 60))
    grown = grow_each(matte, reach)
    spread = [grow(np.where(reach == pixels, matte, 0).astype(np.uint8), pixels) for pixels in range(1, 6)]
    assert np.array_equal(grown, np.max(spread, axis=0))
    empty = np.zeros_like(matte)
    assert not grow_each(empty, reach).any()


def test_without_points_the_whole_matte_grows_alike(
    person: NDArray[np.float32], matte: NDArray[np.uint8]
) -> None:
    person[:, 2] = 0.4  # nothing is seen
    assert np.array_equal(grow_parts(matte, person, PARTS, 1.0), grow(matte, 9))


@pytest.mark.parametrize("hips", [True, False])
def test_from_behind_hair_is_above_the_neck(
    person: NDArray[np.float32], matte: NDArray[np.uint8], hips: bool
) -> None:
    person[:5, 2] = person[FACE, 2] = 0
    person[11:23, 2] = hips
    grown = grow_parts(matte, person, PARTS, 1.0)
    assert span(grown[:, 150])[0] == 60 - 22 - HAIR
    assert span(grown[160]) == (110 - CLOTHES, 190 + CLOTHES)


def test_a_face_alone_is_all_hair_and_a_body_without_shoulders_all_clothes(
    person: NDArray[np.float32], matte: NDArray[np.uint8]
) -> None:
    face, legs = person.copy(), person.copy()
    face[5:23, 2] = face[91:, 2] = 0
    legs[:11, 2] = legs[23:, 2] = 0
    assert np.array_equal(grow_parts(matte, face, PARTS, 1.0), grow(matte, HAIR))
    assert np.array_equal(grow_parts(matte, legs, PARTS, 1.0), grow(matte, CLOTHES))


def test_a_part_of_a_picture_beside_the_person_costs_no_error(person: NDArray[np.float32]) -> None:
    person[:, 0] -= 400  # beyond the left edge
    matte = np.zeros((SIZE.height, SIZE.width), np.uint8)
    matte[100:200, :5] = 255
    assert grow_parts(matte, person, PARTS, 1.0)[150, :8].all()
