"""RGB and back: by the tags, at the format's depth, at the right place."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.media.clips import make_clip, shown_number
from understudy_engine.errors import FrameRangeOutside, UnsupportedMedia
from understudy_engine.media.arrays import ArraySource
from understudy_engine.media.info import ColourTags
from understudy_engine.media.pixels import frame_of, pixel_format, size_of
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import RgbSource, from_rgb, to_rgb, to_rgb_float
from understudy_engine.types import FrameRange, FrameSize, Picture

SILENT = ColourTags()
EIGHT = FrameSize(8, 8)
FORMATS = [
    *(
        f"yuv{chroma}p{bits}"
        for chroma in ("420", "422", "444")
        for bits in ("", "9le", "10le", "12le", "16le")
    ),
    *("yuv440p", "yuv440p10le", "yuvj420p", "yuvj422p", "yuvj444p", "yuva420p", "yuva444p10le"),
    *("rgb24", "bgr24", "rgba", "bgra", "argb", "bgr0", "rgb48le", "rgba64le"),
    *(f"gbrp{bits}" for bits in ("", "9le", "10le", "12le", "14le", "16le")),
]


def flat(pix_fmt: str, values: tuple[int, ...], size: FrameSize = EIGHT) -> Picture:
    layout = pixel_format(pix_fmt)
    planes = []
    for i, value in enumerate(values):
        width, height = layout.plane_size(i, size)
        planes.append(np.full((height, width), value, layout.dtype))
    return Picture(tuple(planes), pix_fmt)


@pytest.mark.parametrize(
    ("pix_fmt", "values", "tags", "rgb"),
    [
        # Colour bars: BT.709 red from ITU-R BT.709-6 / SMPTE RP 219, BT.601 red from SMPTE EG 1.
        ("yuv420p", (63, 102, 240), ("bt709", "tv"), (255, 0, 0)),
        ("yuv420p", (81, 90, 240), ("smpte170m", "tv"), (255, 0, 0)),
        ("yuv422p10le", (252, 408, 960), ("bt709", "tv"), (255, 0, 0)),
        ("yuv420p", (16, 128, 128), ("bt709", "tv"), (0, 0, 0)),
        ("yuv420p", (235, 128, 128), ("bt709", "tv"), (255, 255, 255)),
        ("yuv420p", (235, 128, 128), ("bt709", "pc"), (235, 235, 235)),
        ("yuvj420p", (235, 128, 128), ("bt709", ""), (235, 235, 235)),
        ("yuv420p10le", (940, 512, 512), ("bt2020nc", "tv"), (255, 255, 255)),
    ],
)
def test_tags_are_honoured(
    pix_fmt: str, values: tuple[int, ...], tags: tuple[str, str], rgb: tuple[int, int, int]
) -> None:
    found = to_rgb(flat(pix_fmt, values), ColourTags(matrix=tags[0], range=tags[1]))
    assert np.abs(found.astype(int) - rgb).max() <= 1


@pytest.mark.parametrize(
    ("lines", "matrix"), [(480, "smpte170m"), (576, "smpte170m"), (720, "bt709"), (2160, "bt709")]
)
def test_silent_files_are_taken_as_hd_from_720_lines_on(lines: int, matrix: str) -> None:
    picture = flat("yuv420p", (100, 90, 200), FrameSize(8, lines))
    tagged = to_rgb(picture, ColourTags(matrix=matrix, range="tv"))
    np.testing.assert_array_equal(to_rgb(picture, SILENT), tagged)


def test_unknown_matrix_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedMedia, match="ictcp"):
        to_rgb(flat("yuv420p", (100, 90, 200)), ColourTags(matrix="ictcp"))


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_conversion_agrees_with_ffmpegs_own(matrix: str, range_: str) -> None:
    """4:4:4, where there is no chroma to place; swscale works in integers, hence two levels."""
    rng = np.random.default_rng(1)
    planes = tuple(rng.integers(60, 190, (16, 16), dtype=np.uint8) for _ in range(3))
    picture = Picture(planes, "yuv444p")
    frame = frame_of(picture)
    colorspace = {"bt709": 1, "smpte170m": 5, "bt2020nc": 9}[matrix]
    theirs = frame.reformat(
        format="rgb24",
        src_colorspace=colorspace,
        src_color_range=1 if range_ == "tv" else 2,
        dst_color_range=2,
    ).to_ndarray()
    ours = to_rgb(picture, ColourTags(matrix=matrix, range=range_))
    assert np.abs(ours.astype(int) - theirs).max() <= 2


@pytest.mark.parametrize("pix_fmt", FORMATS)
@given(width=st.integers(1, 21), height=st.integers(1, 21), seed=st.integers(0, 99))
def test_flat_colours_survive_the_round_trip_at_every_size(
    pix_fmt: str, width: int, height: int, seed: int
) -> None:
    rgb = np.random.default_rng(seed).uniform(0, 1, 3).astype(np.float32)
    picture = from_rgb(np.broadcast_to(rgb, (height, width, 3)).copy(), pix_fmt, SILENT)
    assert size_of(picture) == (width, height)
    layout = pixel_format(pix_fmt)
    for i, plane in enumerate(picture.planes):
        assert plane.dtype == layout.dtype
        assert plane.shape[:2] == layout.plane_size(i, FrameSize(width, height))[::-1]
    step = 2.0 / (1 << layout.bits)
    assert np.abs(to_rgb_float(picture, SILENT) - rgb).max() <= 2 * step


def test_gray_is_luma_over_the_full_range() -> None:
    rgb = np.broadcast_to(np.array([1, 0, 0], np.float32), (4, 4, 3)).copy()
    assert np.all(from_rgb(rgb, "gray", SILENT).planes[0] == round(255 * 0.2126))
    assert np.all(to_rgb(Picture((np.full((4, 4), 200, np.uint8),), "gray"), ColourTags(range="tv")) == 200)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p"])
def test_chroma_stays_where_it_was(pix_fmt: str) -> None:
    """A slow ramp of colour keeps its place to a tenth of a pixel when chroma is thinned and filled in again."""
    ramp = np.linspace(0.2, 0.8, 64, dtype=np.float32)
    rgb = np.full((64, 64, 3), 0.5, np.float32)
    rgb[..., 0] = ramp[None]
    rgb[..., 2] = ramp[:, None]
    back = to_rgb_float(from_rgb(rgb, pix_fmt + "16le", SILENT), SILENT)
    slope = float(ramp[1] - ramp[0])
    assert np.abs(back - rgb)[4:-4, 4:-4].max() < 0.1 * slope


def test_high_depth_is_not_cut_to_8_bits() -> None:
    ramp = np.linspace(0, 1, 1024, dtype=np.float32).reshape(1, 1024, 1)
    rgb = np.repeat(ramp, 3, axis=2)
    luma = from_rgb(rgb, "yuv444p10le", ColourTags(matrix="bt709", range="tv")).planes[0]
    assert len(np.unique(luma)) == 940 - 64 + 1


# ---- Sources ---------------------------------------------------------------------------------------------


def test_source_gives_frames_in_any_order_with_repeats(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", 60, options={"g": "20", "bf": "2"})
    with open_clip(path) as clip:
        source = RgbSource(clip)
        assert (len(source), source.size) == (60, (64, 48))
        for wanted in ([0, 1, 2, 3], [3, 3, 2, 59, 0], [30], [31, 33, 58, 57], list(range(60)), []):
            frames = source.read(wanted)
            assert frames.shape == (len(wanted), 48, 64, 3)
            assert [shown_number(frame) for frame in frames] == wanted


def test_source_over_a_range_counts_from_its_start(tmp_path: Path) -> None:
    with open_clip(make_clip(tmp_path / "clip.mp4", 20, rate=Fraction(25))) as clip:
        source = RgbSource(clip, frames=FrameRange(5, 9))
        assert len(source) == 4
        assert [shown_number(frame) for frame in source.read([3, 0])] == [8, 5]
        for index in (4, -1):
            with pytest.raises(IndexError):
                source.read([index])
        with pytest.raises(FrameRangeOutside):
            RgbSource(clip, frames=FrameRange(5, 21))


def test_source_over_an_empty_range_has_no_frames(tmp_path: Path) -> None:
    with open_clip(make_clip(tmp_path / "clip.mp4", 20)) as clip:
        source = RgbSource(clip, frames=FrameRange(5, 5))
        assert len(source) == 0
        assert len(source.read([])) == 0
        with pytest.raises(IndexError):
            source.read([0])


def test_two_sources_may_share_a_clip(tmp_path: Path) -> None:
    with open_clip(make_clip(tmp_path / "clip.mp4", 20)) as clip:
        one, other = RgbSource(clip), RgbSource(clip, frames=FrameRange(10, 20))
        for k in range(10):
            assert shown_number(one.read([k])[0]) == k
            assert shown_number(other.read([k])[0]) == 10 + k


def test_array_source() -> None:
    frames = np.arange(3 * 2 * 4 * 3, dtype=np.uint8).reshape(3, 2, 4, 3)
    source = ArraySource(frames)
    assert (len(source), source.size) == (3, (4, 2))
    np.testing.assert_array_equal(source.read([2, 0, 2]), frames[[2, 0, 2]])
    assert source.read([]).shape == (0, 2, 4, 3)
    with pytest.raises(IndexError):
        source.read([3])
    with pytest.raises(ValueError, match="uint8"):
        ArraySource(frames.astype(np.float32))


def test_pictures_are_exactly_what_ffmpeg_decodes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", 5, pix_fmt="yuv420p10le")
    with open_clip(path) as clip, av.open(path) as container:
        for picture, frame in zip(clip.read(FrameRange(0, 5)), container.decode(video=0), strict=True):
            theirs = frame.to_ndarray()  # the planes on top of each other, in 64 columns
            ours = np.concatenate([plane.reshape(-1, 64) for plane in picture.planes])
            np.testing.assert_array_equal(ours, theirs)
