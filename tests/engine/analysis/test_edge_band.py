"""The picture of a matte's edges shows what the model is given and what is composited."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engine.preprocess.bodies import standing_person
from understudy_engine.analysis.edge_band import GROWN, LEGEND, PLAIN, SOFT, TINT, EdgeBand
from understudy_engine.finish.composite import soften
from understudy_engine.preprocess.growth import grown
from understudy_engine.preprocess.matte import binary
from understudy_engine.types import FrameSize, MatteOptions

SIZE = FrameSize(200, 120)
GREY = np.full((120, 200, 3), 90, np.uint8)
TINTED = np.rint(90 + TINT * (np.array(SOFT) - 90)).tolist()


@pytest.fixture
def plain() -> NDArray[np.uint8]:
    matte = np.zeros((120, 200), np.uint8)
    matte[20:100, 60:140] = 255
    return matte


def drawn(
    plain: NDArray[np.uint8], shown: FrameSize = SIZE, area_px: int = 200 * 120, **options: float
) -> NDArray[np.uint8]:
    """Without the legend."""
    band = EdgeBand(work_area_px=area_px, options=MatteOptions(**options))  # type: ignore[arg-type]
    picture = band.picture(GREY, plain, standing_person(SIZE), shown)
    assert picture.shape == (band.size(shown).height, shown.width, 3)
    return picture[: shown.height]


def where(picture: NDArray[np.uint8], colour: object) -> NDArray[np.bool_]:
    return np.asarray((picture == np.array(colour)).all(axis=2))


@pytest.mark.parametrize(("grow_px", "soften_px"), [(9, 2.0), (4, 6.5), (0, 3.0), (9, 0.0)])
def test_the_soft_edge_is_where_the_compositing_is_soft_to_the_pixel(
    plain: NDArray[np.uint8], grow_px: int, soften_px: float
) -> None:
    options = MatteOptions(grow_px=grow_px, soften_px=soften_px)
    scale = np.sqrt(192 * 112 / (200 * 120))  # the canvas's sides are multiples of 16
    alpha = soften(binary(grown(plain, None, options, scale)), soften_px)
    picture = drawn(plain, grow_px=grow_px, soften_px=soften_px)
    soft = (alpha > 0) & (alpha < 1)
    tinted = where(picture, TINTED) | where(picture, np.rint(PLAIN + TINT * np.subtract(SOFT, PLAIN)))
    assert np.array_equal(tinted, soft)
    assert soft.any() == (soften_px > 0)


def test_outlines_run_just_outside_the_matte_and_of_what_it_grows_to(plain: NDArray[np.uint8]) -> None:
    picture = drawn(plain, grow_px=9, soften_px=0)
    assert np.flatnonzero(where(picture, PLAIN)[60]).tolist() == [59, 140]
    first, last = np.flatnonzero(where(picture, GROWN)[60]).tolist()
    assert 59 - first == last - 140 == 10  # 9 of the model's pixels
    assert np.array_equal(picture[60, first + 1 : 59], GREY[60, first + 1 : 59])


def test_growth_counts_pixels_of_the_model(plain: NDArray[np.uint8]) -> None:
    coarse = where(drawn(plain, area_px=100 * 60, grow_px=4, soften_px=0), GROWN)
    fine = where(drawn(plain, grow_px=4, soften_px=0), GROWN)
    wide, narrow = (int(np.ptp(np.flatnonzero(each[60]))) for each in (coarse, fine))
    assert wide - narrow >= 6


def test_hair_grows_by_its_own(plain: NDArray[np.uint8]) -> None:
    hair = where(drawn(plain, grow_px=2, grow_hair_px=15, soften_px=0), GROWN)
    rows = np.flatnonzero(hair.any(axis=1))
    assert rows[0] <= 20 - 12
    assert rows[-1] <= 103


def test_a_smaller_picture_has_the_same_legend(plain: NDArray[np.uint8]) -> None:
    band = EdgeBand(work_area_px=200 * 120)
    large, small = (
        band.picture(GREY, plain, standing_person(SIZE), shown) for shown in (SIZE, FrameSize(180, 108))
    )
    assert np.array_equal(large[120:, :180], small[108:])
    for _, colour in LEGEND:
        assert where(small[108:], colour).any()


def test_an_empty_matte_has_no_edges() -> None:
    assert np.array_equal(drawn(np.zeros((120, 200), np.uint8)), GREY)
