import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tests.golden_cases import reference
from understudy_engine.preprocess.matte import binary, cut_out, fill_blocks, grow, prepare
from understudy_engine.types import MatteOptions

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


@given(masks, st.integers(1, 12), st.integers(1, 12))
def test_blocks_never_lose_a_pixel_nor_leave_the_bounding_box(mask, across, down):
    filled = fill_blocks(mask, across, down)
    assert (filled >= mask).all()
    assert (filled.any(axis=0) <= _span(mask.any(axis=0))).all()
    assert (filled.any(axis=1) <= _span(mask.any(axis=1))).all()


def _span(line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    set_ = np.flatnonzero(line)
    span = np.zeros_like(line)
    if len(set_):
        span[set_[0] : set_[-1] + 1] = True
    return span


def test_one_block_fills_the_box_but_for_its_last_row_and_column():
    mask = np.zeros((10, 10), np.bool_)
    mask[2, 3] = mask[7, 8] = True
    filled = fill_blocks(mask, 1, 1)
    assert filled[2:7, 3:8].all()
    assert filled.sum() == 5 * 5 + 1


def test_growing_nine_pixels_is_what_the_reference_does_by_default():
    mask = (np.random.default_rng(1).random((60, 80)) > 0.995).astype(np.uint8) * 255
    assert np.array_equal(grow(mask, 9), reference.dilate(mask))


def test_a_soft_edge_stays_soft_when_grown():
    ramp = np.zeros((3, 40), np.uint8)
    ramp[:, 10:20] = [[25 * i for i in range(10)]]
    assert grow(ramp, 4)[1, 8:16].tolist() == [50, 75, 100, 125, 150, 175, 200, 225]


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25])
def test_growth_is_in_model_pixels_whatever_the_plate(scale):
    matte = np.zeros((201, 201), np.uint8)
    matte[100, 100] = 255
    prepared = prepare(matte, MatteOptions(grow_px=9), scale)
    assert prepared.any(axis=0).sum() == 2 * round(9 / scale) + 1


def test_without_growth_and_blocks_the_artists_matte_is_left_alone():
    matte = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    assert np.array_equal(prepare(matte, MatteOptions(grow_px=0), 0.5), matte)


def test_blocks_make_solid_white():
    matte = np.zeros((40, 40), np.uint8)
    matte[5, 5] = matte[30, 30] = 255
    prepared = prepare(matte, MatteOptions(grow_px=0, blocks=(1, 1)), 1.0)
    assert (prepared[5:30, 5:30] == 255).all()


def test_half_covered_counts_as_covered():
    assert binary(np.array([127, 128], np.uint8)).tolist() == [False, True]


def test_the_person_is_cut_to_black_and_the_rest_stays():
    frame = np.full((2, 4, 4, 3), 9, np.uint8)
    mask = np.zeros((2, 4, 4), np.bool_)
    mask[0, 1, 2] = True
    cut = cut_out(frame, mask)
    assert cut.dtype == np.uint8
    assert (cut[0, 1, 2] == 0).all()
    assert (cut == 9).sum() == frame.size - 3
