"""Garbage and keep masks as files on disk, conformed or refused as mattes are; and what the model sees of them."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from understudy_engine.errors import MatteEmpty, PassMismatch
from understudy_engine.preprocess.sizing import fit
from understudy_engine.types import FrameRange, FrameSize, MatteOptions

from .passes_on_disk import AREA_PX, FRAMES, SIZE, matte_frames, movie, plate_frames

MASKS = ["garbage", "keep"]
PLAIN = MatteOptions(grow_px=0)


def left_half(size=SIZE, count=FRAMES):
    """White in the left half of the box's first place, columns 40 to 55 of 128."""
    frames = np.zeros((count, size.height, size.width, 3), np.uint8)
    frames[:, :, : round(56 * size.width / SIZE.width)] = 255
    return frames


def columns(matte):
    """The first and the last that the matte covers."""
    return np.flatnonzero((matte >= 128).any(axis=0))[[0, -1]].tolist()


def test_the_model_sees_the_plate_where_it_is_kept(replace, tmp_path):
    with replace(keep=movie(tmp_path / "keep.mkv", left_half())) as passes:
        plate = fit(SIZE, AREA_PX).apply(plate_frames()[0])
        made = passes.matte_model([0])[0]
        assert columns(made * np.uint8(255))[0] == 56 // 2  # the canvas is half as large
        background = passes.background.read([0])[0]
        assert np.array_equal(background[~made], plate[~made])
        assert not background[made].any()


def test_the_model_sees_the_plate_where_it_is_kept_also_over_a_clean_plate(replace, tmp_path):
    clean = movie(tmp_path / "clean.mkv", np.full((FRAMES, 48, 64, 3), 77, np.uint8))
    with replace(keep=movie(tmp_path / "keep.mkv", left_half()), background=clean) as passes:
        background = passes.background.read([8, 0])
        plate = fit(SIZE, AREA_PX).apply(plate_frames()[8])
        assert np.array_equal(background[0, :, :28], plate[:, :28])
        assert (background[:, :, 28:] == 77).all()
        assert passes.background.read([]).shape == (0, 48, 64, 3)


def test_the_matte_grows_from_what_the_garbage_leaves(replace, tmp_path):
    garbage = movie(tmp_path / "garbage.mkv", left_half())
    with replace(garbage=garbage, options=MatteOptions(grow_px=5)) as passes:
        assert columns(passes.matte_plate(0)) == [56 - 10, 71 + 10]
        assert columns(passes.matte_model([0])[0] * np.uint8(255)) == [28 - 5, 35 + 5]


@pytest.mark.parametrize(("grey", "first"), [(127, 40), (128, 56)])
def test_garbage_counts_where_it_is_half_white_and_more(replace, tmp_path, grey, first):
    garbage = movie(tmp_path / "garbage.mkv", np.minimum(left_half(), grey))
    with replace(garbage=garbage, options=PLAIN) as passes:
        assert columns(passes.matte_plate(0))[0] == first


@pytest.mark.parametrize("name", MASKS)
def test_one_picture_a_sequence_or_a_movie_of_the_range_or_the_clip(replace, tmp_path, name):
    frames = FrameRange(3, 7)
    cv2.imwrite(str(tmp_path / "one.png"), left_half()[0])
    (tmp_path / "many").mkdir()
    for number in range(FRAMES):
        cv2.imwrite(str(tmp_path / "many" / f"{number:04}.png"), left_half()[0])
    short = movie(tmp_path / "short.mkv", left_half(count=4))
    expected = None
    for path in (tmp_path / "one.png", tmp_path / "many", short, movie(tmp_path / "long.mkv", left_half())):
        with replace(frames=frames, options=PLAIN, **{name: path}) as passes:
            made = passes.matte_model(range(4))
            assert expected is None or np.array_equal(made, expected)
            expected = made


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_of_another_size_is_scaled(replace, tmp_path, name):
    small = movie(tmp_path / "small.mkv", left_half(FrameSize(64, 48)))
    with replace(options=PLAIN, **{name: small}) as passes:
        assert columns(passes.matte_model([0])[0] * np.uint8(255)) == [28, 35]


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_at_another_rate_goes_by_time_and_is_told(replace, tmp_path, name):
    frames = left_half(count=18)
    frames[1::2] = 0  # between the clip's frames
    fast = movie(tmp_path / "fast.mkv", frames, Fraction(48))
    with replace(options=PLAIN, **{name: fast}) as passes:
        assert columns(passes.matte_model([0])[0] * np.uint8(255)) == [28, 35]
        assert f"The {name} pass runs at 48 frames a second" in passes.warnings[0]


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_that_does_not_fit_is_refused(replace, tmp_path, name):
    square = movie(tmp_path / "square.mkv", left_half(FrameSize(96, 96)))
    with (
        pytest.raises(PassMismatch, match=f"The {name} pass is 96x96, of another shape"),
        replace(**{name: square}),
    ):
        pass
    long = movie(tmp_path / "long.mkv", left_half(count=7))
    with pytest.raises(PassMismatch, match=f"The {name} pass has 7 frames"), replace(**{name: long}):
        pass


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_that_is_white_all_over_is_refused(replace, tmp_path, name):
    white = movie(tmp_path / "white.mkv", np.full_like(left_half(), 255))
    with (
        pytest.raises(MatteEmpty, match=f"The {name} mask is white all over in all 9 frames"),
        replace(**{name: white}),
    ):
        pass


def test_garbage_over_all_of_a_supplied_matte_is_refused(replace, tmp_path):
    garbage = np.zeros_like(matte_frames())
    garbage[:, 20:50] = 255
    with (
        pytest.raises(MatteEmpty, match="garbage mask leaves nothing of the matte in all 9 frames"),
        replace(garbage=movie(tmp_path / "garbage.mkv", garbage)),
    ):
        pass
