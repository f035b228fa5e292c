import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden_cases import reference
from understudy_engine.preprocess.sizing import (
    Box,
    Fit,
    fit,
    letterbox,
    letterbox_box,
    reference_content,
    reference_size,
)
from understudy_engine.types import FrameSize

sizes = st.builds(FrameSize, st.integers(48, 4096), st.integers(48, 4096))
areas = st.integers(16_384, 1280 * 720)


@settings(max_examples=40)
@given(sizes, areas)
def test_the_canvas_is_of_whole_cells_and_no_larger_than_asked(size: FrameSize, area: int):
    canvas = fit(size, area).canvas
    assert canvas.width % 16 == canvas.height % 16 == 0
    assert 0 < canvas.width * canvas.height <= area


@settings(max_examples=40)
@given(sizes, areas)
def test_the_content_keeps_its_shape_and_leaves_less_than_a_cell(size: FrameSize, area: int):
    fitted = fit(size, area)
    content, canvas = fitted.content, fitted.canvas
    too_wide = abs(content.width - size.width * content.height / size.height)
    too_tall = abs(content.height - size.height * content.width / size.width)
    assert min(too_wide, too_tall) <= 0.5
    assert 0 <= canvas.width - content.width < 16
    assert 0 <= canvas.height - content.height < 16


@settings(max_examples=30)
@given(st.builds(FrameSize, st.integers(48, 640), st.integers(48, 640)), st.integers(16_384, 100_000))
def test_no_bar_of_the_canvas_reaches_the_result(size: FrameSize, area: int):
    fitted = fit(size, area)
    canvas = np.zeros((fitted.canvas.height, fitted.canvas.width, 3), np.float32)
    canvas[fitted.content.rows, fitted.content.columns] = 0.75
    result = fitted.undo(canvas)
    assert result.shape == (size.height, size.width, 3)
    assert np.allclose(result, 0.75)


@pytest.mark.parametrize(
    ("size", "area", "canvas"),
    [
        (FrameSize(256, 256), 65_536, FrameSize(256, 256)),
        (FrameSize(1280, 720), 1280 * 720, FrameSize(1280, 720)),
        (FrameSize(832, 480), 832 * 480, FrameSize(832, 480)),
    ],
)
def test_a_clip_that_fits_is_not_touched(size: FrameSize, area: int, canvas: FrameSize):
    fitted = fit(size, area)
    picture = np.random.default_rng(0).integers(0, 256, (size.height, size.width, 3), np.uint8)
    assert fitted == Fit(size, canvas, Box(0, 0, *size))
    assert fitted.scale == 1
    assert np.array_equal(fitted.apply(picture), picture)
    assert np.array_equal(fitted.undo(picture.astype(np.float32)), picture)


def test_full_hd_is_scaled_evenly_to_720p():
    assert fit(FrameSize(1920, 1080), 1280 * 720) == Fit(
        FrameSize(1920, 1080), FrameSize(1280, 720), Box(0, 0, 1280, 720)
    )


def test_a_round_trip_gives_back_the_picture():
    rows, columns = np.mgrid[0:270, 0:482]
    picture = np.stack([rows / 270, columns / 482, (rows + columns) / 752], axis=-1).astype(np.float32)
    fitted = fit(FrameSize(482, 270), 65_536)
    assert np.abs(fitted.undo(fitted.apply(picture)) - picture).max() < 0.01


def test_enlarging_a_hard_edge_does_not_overshoot():
    fitted = fit(FrameSize(400, 400), 65_536)
    canvas = np.zeros((fitted.canvas.height, fitted.canvas.width, 1), np.float32)
    canvas[:, 100:] = 1
    result = fitted.undo(canvas)
    assert result.shape == (400, 400, 1)
    assert (result.min(), result.max()) == (0, 1)


def test_the_padding_repeats_the_edge():
    fitted = Fit(FrameSize(20, 10), FrameSize(32, 16), Box(0, 0, 20, 10))
    picture = np.random.default_rng(0).integers(1, 256, (3, 10, 20, 3), np.uint8)
    canvas = fitted.apply(picture)
    assert canvas.shape == (3, 16, 32, 3)
    assert (canvas[:, :10, 20:] == picture[:, :, -1:]).all()
    assert (canvas[:, 10:, :20] == picture[:, -1:]).all()


def test_a_mask_lands_where_the_picture_lands():
    fitted = fit(FrameSize(512, 288), 65_536)
    mask = np.zeros((288, 512), np.bool_)
    mask[100:200, 50:250] = True
    from_bytes = fitted.apply_mask(mask.astype(np.uint8) * 255)
    assert np.array_equal(fitted.apply_mask(mask), from_bytes)
    left_top, right_bottom = fitted.place(np.array([[50.0, 100.0], [250.0, 200.0]])).round().astype(int)
    rows, columns = np.flatnonzero(from_bytes.any(axis=1)), np.flatnonzero(from_bytes.any(axis=0))
    assert np.abs([columns[0] - left_top[0], rows[0] - left_top[1]]).max() <= 1
    assert np.abs([columns[-1] + 1 - right_bottom[0], rows[-1] + 1 - right_bottom[1]]).max() <= 1


def test_a_picture_of_another_size_is_refused_with_both_sizes():
    with pytest.raises(ValueError, match="expected a picture of 256x256, got 100x50"):
        fit(FrameSize(256, 256), 65_536).apply(np.zeros((50, 100, 3), np.uint8))


def test_an_area_below_one_cell_is_refused():
    with pytest.raises(ValueError, match="less than one cell of 16x16"):
        fit(FrameSize(256, 256), 255)


# Sizes from research/engine_spec.md 6.1, which were measured on the reference.
@pytest.mark.parametrize(
    ("size", "at_720p", "at_480p"),
    [
        ((3840, 2160), (1280, 720), (832, 464)),
        ((1080, 1920), (720, 1280), (464, 832)),
        ((1440, 1080), (1104, 816), (720, 544)),
        ((2048, 858), (1472, 608), (976, 400)),
        ((832, 480), (1248, 720), (832, 480)),
    ],
)
def test_the_reference_rounds_both_sides_down(size, at_720p, at_480p):
    assert reference_size(FrameSize(*size), 1280 * 720) == at_720p
    assert reference_size(FrameSize(*size), 832 * 480) == at_480p


def test_the_reference_leaves_the_black_columns_that_were_measured():
    picture = np.full((858, 2048, 3), 255, np.uint8)
    black = np.flatnonzero((reference.resize(picture, 1280 * 720) == 0).all(axis=(0, 2)))
    assert black.tolist() == [*range(10), *range(1461, 1472)]


@given(sizes, sizes)
def test_a_letterbox_touches_two_sides_and_is_centred(size: FrameSize, canvas: FrameSize):
    box = letterbox_box(size, canvas)
    assert box.width == canvas.width or box.height == canvas.height
    assert 0 <= canvas.width - box.width - 2 * box.x <= 1
    assert 0 <= canvas.height - box.height - 2 * box.y <= 1


def test_a_letterboxed_picture_has_black_around_it():
    boxed = letterbox(np.full((10, 10, 3), 200, np.uint8), FrameSize(30, 10))
    assert (boxed[:, 10:20] == 200).all()
    assert not boxed[:, :10].any()
    assert not boxed[:, 20:].any()


@given(sizes, areas)
def test_every_size_the_reference_makes_of_a_clip_is_recognised(size: FrameSize, area: int):
    made = reference_size(size, area)
    if min(made) > 0:
        assert reference_content(size, made) == letterbox_box(size, made)


@pytest.mark.parametrize("size", [FrameSize(64, 60), FrameSize(64, 48), FrameSize(80, 64), FrameSize(0, 0)])
def test_sizes_that_the_reference_could_not_make_are_not_recognised(size: FrameSize):
    assert reference_content(FrameSize(64, 64), size) is None
