"""Outside the matte the result is the plate, bit for bit; inside it is what was generated."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.engine.media.clips import make_clip, random_picture
from understudy_engine.finish.composite import character_with_alpha, composite, soften
from understudy_engine.media.info import ColourTags
from understudy_engine.media.pixels import components, pixel_format, size_of
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import from_rgb
from understudy_engine.media.write import DeliveryCodec, deliver, join_master, stored_format, write_layer
from understudy_engine.types import FrameRange, FrameSize, Picture

HD = ColourTags("bt709", "bt709", "bt709", "tv")
SIZE = FrameSize(97, 71)
FOOTAGE = Path(__file__).parents[4] / "shared" / "footage" / "replace_plate_1280x720_24fps.mp4"
FORMATS = [
    *("yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuvj420p", "gray"),
    *("yuv420p10le", "yuv422p10le", "yuv444p12le", "yuv420p16le", "yuv440p10le", "gray10le"),
    *("rgb24", "bgr0", "rgba", "gbrp", "gbrp12le", "rgb48le", "yuva420p", "gbrap16le"),
]


def blob(size: FrameSize, share: float, seed: int = 0) -> NDArray[np.uint8]:
    """A matte of several odd-edged pieces covering *share* of the frame."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.normal(size=(size.height, size.width)).astype(np.float32), (0, 0), 5)
    return np.asarray(field > np.quantile(field, 1 - share), np.uint8) * 255


def generated_for(size: FrameSize, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((size.height, size.width, 3), np.float32)


def touched_by(matte: NDArray[np.uint8], shift: tuple[int, int]) -> NDArray[np.bool_]:
    """Which chroma samples cover a pixel of the matte."""
    height, width = matte.shape
    rows = np.logical_or.reduceat(matte > 0, range(0, height, 1 << shift[1]), axis=0)
    touched: NDArray[np.bool_] = np.logical_or.reduceat(rows, range(0, width, 1 << shift[0]), axis=1)
    return touched


@pytest.mark.parametrize("pix_fmt", FORMATS)
@pytest.mark.parametrize("share", [0.05, 0.25, 0.6])
def test_outside_the_matte_every_stored_sample_is_the_plates(
    tmp_path: Path, pix_fmt: str, share: float
) -> None:
    plate = random_picture(np.random.default_rng(2), pix_fmt, SIZE)
    matte = blob(SIZE, share)
    result = composite(plate, generated_for(SIZE), soften(matte, 2.0), HD)
    assert result.pix_fmt == pix_fmt
    write_layer(tmp_path / "result.mkv", [result], rate=Fraction(24), colour=HD)
    with open_clip(tmp_path / "result.mkv") as clip:
        (stored,) = clip.read(FrameRange(0, 1))
    assert stored.pix_fmt == stored_format(pix_fmt)
    before, after = components(plate), components(stored)
    for i, (letter, samples) in enumerate(before.items()):
        inside = touched_by(matte, pixel_format(pix_fmt).shift(i))
        np.testing.assert_array_equal(samples[~inside], after[letter][~inside], err_msg=letter)
        assert (samples[inside] != after[letter][inside]).mean() > 0.7, (
            letter
        )  # the inside is another picture


@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_where_alpha_is_full_the_result_is_what_was_generated(pix_fmt: str) -> None:
    plate = random_picture(np.random.default_rng(2), pix_fmt, SIZE)
    generated = generated_for(SIZE)
    result = composite(plate, generated, np.ones(SIZE[::-1], np.float32), HD)
    expected = components(from_rgb(generated, pix_fmt, HD))
    for letter, samples in components(result).items():
        np.testing.assert_array_equal(samples, expected[letter], err_msg=letter)


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv444p12le", "gbrp", "gbrp16le"])
def test_half_alpha_is_half_way(pix_fmt: str) -> None:
    plate = random_picture(np.random.default_rng(2), pix_fmt, SIZE)
    generated = generated_for(SIZE)
    result = composite(plate, generated, np.full(SIZE[::-1], 0.5, np.float32), HD)
    target = components(from_rgb(generated, pix_fmt, HD))
    for letter, samples in components(result).items():
        half = (components(plate)[letter].astype(np.int64) + target[letter]) / 2
        assert np.abs(samples - half).max() <= 1


def test_padding_and_plate_alpha_outside_stay() -> None:
    plate = random_picture(np.random.default_rng(2), "bgr0", SIZE)
    result = composite(plate, generated_for(SIZE), np.ones(SIZE[::-1], np.float32), HD)
    np.testing.assert_array_equal(plate.planes[0][..., 3], result.planes[0][..., 3])


@given(
    width=st.integers(1, 33),
    height=st.integers(1, 33),
    seed=st.integers(0, 999),
    soft=st.sampled_from([0, 1, 2.5, 9]),
)
def test_any_size_any_matte(width: int, height: int, seed: int, soft: float) -> None:
    rng = np.random.default_rng(seed)
    size = FrameSize(width, height)
    matte = np.asarray(rng.random((height, width)) < rng.random(), np.uint8)
    for pix_fmt in ("yuv420p", "yuv422p10le", "gbrp"):
        plate = random_picture(rng, pix_fmt, size)
        result = composite(plate, generated_for(size, seed), soften(matte, soft), HD)
        for i, (before, after) in enumerate(zip(plate.planes, result.planes, strict=True)):
            outside = ~touched_by(matte, pixel_format(pix_fmt).shift(i))
            np.testing.assert_array_equal(before[outside], after[outside])


def test_sizes_that_differ_are_refused() -> None:
    plate = random_picture(np.random.default_rng(2), "yuv420p", SIZE)
    with pytest.raises(ValueError, match="alpha"):
        composite(plate, generated_for(SIZE), np.ones((5, 5), np.float32), HD)


# ---- The soft edge ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("soft", [0.0, 0.5, 2.0, 8.0])
def test_soft_edge_lies_inside_the_matte(soft: float) -> None:
    matte = blob(FrameSize(200, 150), 0.4)
    alpha = soften(matte, soft)
    assert alpha.dtype == np.float32
    assert np.all(alpha[matte == 0] == 0)
    assert np.all(alpha[matte > 0] > 0)
    assert alpha.max() == 1


def test_soft_edge_is_as_wide_as_asked() -> None:
    matte = np.zeros((40, 60), bool)
    matte[:, 30:] = True
    np.testing.assert_allclose(soften(matte, 3)[20, 28:36], [0, 0, 0.25, 0.5, 0.75, 1, 1, 1], atol=1e-6)
    np.testing.assert_array_equal(soften(matte, 0), matte)


def test_border_of_the_picture_is_no_edge() -> None:
    assert np.all(soften(np.ones((8, 8), np.uint8), 5) == 1)
    matte = np.zeros((20, 20), np.uint8)
    matte[:, :10] = 1
    assert np.all(soften(matte, 2)[:, :7] == 1)


def test_empty_matte_changes_nothing() -> None:
    plate = random_picture(np.random.default_rng(2), "yuv420p", SIZE)
    result = composite(plate, generated_for(SIZE), soften(np.zeros(SIZE[::-1], np.uint8), 2), HD)
    for before, after in zip(plate.planes, result.planes, strict=True):
        np.testing.assert_array_equal(before, after)


def test_character_layer_has_straight_alpha() -> None:
    generated, alpha = np.full((2, 2, 3), 0.5, np.float32), np.array([[0.25, 0.5], [1, 1]], np.float32)
    generated[..., 0] = 1
    picture = character_with_alpha(generated, alpha)
    assert picture.pix_fmt == "bgra"
    np.testing.assert_array_equal(picture.planes[0][..., :3], np.broadcast_to([128, 128, 255], (2, 2, 3)))
    np.testing.assert_array_equal(picture.planes[0][..., 3], [[64, 128], [255, 255]])


# ---- Whole clips -----------------------------------------------------------------------------------------


def replaced(plate: Path, frames: FrameRange, master: Path) -> list[NDArray[np.uint8]]:
    """A master in which noise replaces a wandering matte of 5 to 60 % of each frame; returns the mattes."""
    mattes: list[NDArray[np.uint8]] = []
    with open_clip(plate) as clip:
        info, half = clip.info, (frames.start + frames.end) // 2
        parts = []
        for start, end in ((frames.start, half), (half, frames.end)):

            def pictures(start: int = start, end: int = end) -> Iterator[Picture]:
                for k, picture in enumerate(clip.read(FrameRange(start, end)), start):
                    share = 0.05 + 0.55 * (k - frames.start) / max(1, len(frames) - 1)
                    mattes.append(blob(info.size, share, seed=k))
                    yield composite(
                        picture, generated_for(info.size, k), soften(mattes[-1], 2.0), info.colour
                    )

            parts.append(master.with_name(f"part{start}.mkv"))
            write_layer(parts[-1], pictures(), rate=info.rate or Fraction(1), colour=info.colour)
    join_master(parts, master, clip=info, frames=frames)
    return mattes


def assert_plate_outside(
    plate: Path, frames: FrameRange, master: Path, mattes: list[NDArray[np.uint8]]
) -> None:
    with open_clip(plate) as clip, open_clip(master) as result:
        assert result.info.pix_fmt == clip.info.pix_fmt
        assert result.info.colour == clip.info.colour
        pairs = zip(clip.read(frames), result.read(FrameRange(0, len(frames))), mattes, strict=True)
        for before, after, matte in pairs:
            assert 0.04 < (matte > 0).mean() < 0.61
            assert_planes_equal_outside(before, after, matte)


def assert_planes_equal_outside(before: Picture, after: Picture, matte: NDArray[np.uint8]) -> None:
    assert size_of(before) == size_of(after)
    for i, (one, other) in enumerate(zip(before.planes, after.planes, strict=True)):
        outside = ~touched_by(matte, pixel_format(before.pix_fmt).shift(i))
        np.testing.assert_array_equal(one[outside], other[outside])
        assert (one[~outside] != other[~outside]).mean() > 0.7


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le"])
def test_master_of_a_range_is_the_plate_outside_the_matte(tmp_path: Path, pix_fmt: str) -> None:
    plate = make_clip(
        tmp_path / "plate.mp4",
        20,
        pix_fmt=pix_fmt,
        size=FrameSize(98, 74),
        options={"bf": "2"},
        colour=(1, 1, 1, 1),
    )
    frames = FrameRange(3, 17)
    mattes = replaced(plate, frames, tmp_path / "master.mkv")
    assert_plate_outside(plate, frames, tmp_path / "master.mkv", mattes)


@pytest.mark.footage
@pytest.mark.skipif(not FOOTAGE.exists(), reason="../shared/footage is not beside the checkout")
def test_real_footage_is_the_plate_outside_the_matte(tmp_path: Path) -> None:
    frames = FrameRange(60, 66)
    mattes = replaced(FOOTAGE, frames, tmp_path / "master.mkv")
    assert_plate_outside(FOOTAGE, frames, tmp_path / "master.mkv", mattes)
    deliver(tmp_path / "master.mkv", tmp_path / "result.mp4", DeliveryCodec.H264)
    with open_clip(tmp_path / "result.mp4") as clip:
        assert (clip.info.rate, clip.info.frame_count) == (Fraction(24), 6)
        assert [audio.codec for audio in clip.info.audio_streams] == ["aac"]


def test_the_character_has_no_colour_where_it_is_transparent_and_all_of_it_elsewhere() -> None:
    rng = np.random.default_rng(0)
    generated = rng.random((20, 30, 3), np.float32)
    alpha = np.zeros((20, 30), np.float32)
    alpha[5:15, 8:20] = rng.random((10, 12), np.float32)
    (pixels,) = character_with_alpha(generated, alpha).planes
    clear = np.rint(alpha * 255) == 0
    assert clear.sum() > 400
    assert not pixels[clear].any()
    np.testing.assert_array_equal(
        pixels[~clear], np.rint(np.dstack([generated[..., ::-1], alpha]) * 255)[~clear]
    )
