"""A stored layer gives back every sample."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.media.clips import random_picture
from understudy_engine.media.info import ColourTags
from understudy_engine.media.pixels import components, pixel_format
from understudy_engine.media.read import open_clip
from understudy_engine.media.write import stored_format, write_layer
from understudy_engine.types import FrameRange, FrameSize, Picture


def exists(pix_fmt: str) -> bool:
    try:
        av.VideoFormat(pix_fmt)
    except ValueError:
        return False
    return True


_DEPTHS = ("", "9le", "10le", "12le", "14le", "16le")
_PLANAR = [
    f"yuv{a}{chroma}p" for a in ("", "a", "j") for chroma in ("410", "411", "420", "422", "440", "444")
]
PACKED = ["rgb24", "bgr24", "rgba", "bgra", "argb", "abgr", "rgb0", "bgr0", "0rgb", "0bgr"]
PACKED += ["rgb48le", "bgr48le", "rgba64le", "bgra64le", "ya8", "ya16le"]
FORMATS = PACKED + [
    name + depth for name in (*_PLANAR, "gray", "gbrp", "gbrap") for depth in _DEPTHS if exists(name + depth)
]


def written_and_read(path: Path, pictures: list[Picture], colour: ColourTags) -> list[Picture]:
    assert write_layer(path, pictures, rate=Fraction(30000, 1001), colour=colour) == len(pictures)
    with open_clip(path) as clip:
        assert (clip.info.rate, clip.info.frame_count) == (Fraction(30000, 1001), len(pictures))
        return list(clip.read(FrameRange(0, len(pictures))))


@pytest.mark.parametrize("pix_fmt", FORMATS)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(1, 40), height=st.integers(1, 40), frames=st.integers(1, 3), seed=st.integers(0, 99))
def test_every_sample_comes_back(
    tmp_path: Path, pix_fmt: str, width: int, height: int, frames: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pictures = [random_picture(rng, pix_fmt, FrameSize(width, height)) for _ in range(frames)]
    for before, after in zip(
        pictures, written_and_read(tmp_path / "layer.mkv", pictures, ColourTags()), strict=True
    ):
        assert after.pix_fmt == stored_format(pix_fmt)
        ours, theirs = components(before), components(after)
        if "y" in ours and "y" not in theirs:  # gray with alpha of 16 bits is kept as RGB
            ours = dict.fromkeys("rgb", ours["y"]) | {"a": ours["a"]}
        for letter, plane in ours.items():
            np.testing.assert_array_equal(plane, theirs[letter], err_msg=letter)


@pytest.mark.parametrize(
    "size", [FrameSize(128, 128), FrameSize(130, 142), FrameSize(131, 129), FrameSize(640, 2)], ids=str
)
@pytest.mark.parametrize(
    "pix_fmt", ["yuv420p", "yuv422p10le", "yuv411p", "yuv410p", "yuv440p", "bgra", "gbrp12le", "gray"]
)
def test_sliced_sizes_come_back(tmp_path: Path, pix_fmt: str, size: FrameSize) -> None:
    picture = random_picture(np.random.default_rng(0), pix_fmt, size)
    (after,) = written_and_read(tmp_path / "layer.mkv", [picture], ColourTags())
    for one, other in zip(picture.planes, after.planes, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "colour",
    [
        ColourTags(),
        ColourTags("bt709", "bt709", "bt709", "tv"),
        ColourTags("bt2020", "arib-std-b67", "bt2020nc", "tv"),
        ColourTags("smpte432", "iec61966-2-1", "smpte170m", "pc"),
        ColourTags(matrix="bt470bg"),
    ],
    ids=str,
)
def test_colour_tags_come_back(tmp_path: Path, colour: ColourTags) -> None:
    picture = random_picture(np.random.default_rng(0), "yuv420p", FrameSize(16, 16))
    write_layer(tmp_path / "layer.mkv", [picture], rate=Fraction(24), colour=colour)
    with open_clip(tmp_path / "layer.mkv") as clip:
        assert clip.info.colour == colour


def test_rgb_and_gray_are_tagged_as_what_they_are(tmp_path: Path) -> None:
    """A character or matte layer of a BT.709 clip of limited range is itself neither."""
    clip_colour = ColourTags("bt709", "bt709", "bt709", "tv")
    for pix_fmt, matrix in (("bgra", "gbr"), ("gray", "")):
        picture = random_picture(np.random.default_rng(0), pix_fmt, FrameSize(16, 16))
        write_layer(tmp_path / "layer.mkv", [picture], rate=Fraction(24), colour=clip_colour)
        with open_clip(tmp_path / "layer.mkv") as clip:
            assert clip.info.colour == ColourTags("bt709", "bt709", matrix, "pc")


def test_every_frame_is_a_keyframe_with_checksums(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = [random_picture(rng, "yuv420p", FrameSize(160, 128)) for _ in range(4)]
    write_layer(tmp_path / "layer.mkv", pictures, rate=Fraction(24), colour=ColourTags())
    with av.open(tmp_path / "layer.mkv") as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert [packet.is_keyframe for packet in packets] == [True] * 4


def test_pixel_aspect_comes_back(tmp_path: Path) -> None:
    picture = random_picture(np.random.default_rng(0), "yuv420p", FrameSize(72, 58))
    path, aspect = tmp_path / "layer.mkv", Fraction(16, 11)
    write_layer(path, [picture], rate=Fraction(25), colour=ColourTags(), pixel_aspect=aspect)
    with open_clip(path) as clip:
        assert clip.info.pixel_aspect == aspect


def test_layer_of_nothing_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_layer(tmp_path / "layer.mkv", [], rate=Fraction(24), colour=ColourTags())
    assert list(tmp_path.iterdir()) == []


def test_pictures_unlike_the_first_are_refused_not_converted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = random_picture(rng, "yuv420p", FrameSize(16, 16))
    for other in ("yuv444p", FrameSize(16, 16)), ("yuv420p", FrameSize(16, 18)):
        pictures = [first, random_picture(rng, *other)]
        with pytest.raises(ValueError, match="not like the first"):
            write_layer(tmp_path / "layer.mkv", pictures, rate=Fraction(24), colour=ColourTags())
    assert list(tmp_path.iterdir()) == []


def test_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    def pictures() -> Iterator[Picture]:
        yield random_picture(np.random.default_rng(0), "yuv420p", FrameSize(16, 16))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_layer(tmp_path / "layer.mkv", pictures(), rate=Fraction(24), colour=ColourTags())
    assert list(tmp_path.iterdir()) == []


def test_the_table_of_formats_agrees_with_ffmpegs() -> None:
    assert len(FORMATS) > 70
    for name in FORMATS:
        ours, theirs = pixel_format(name), av.VideoFormat(name, 64, 64)
        assert max(component.bits for component in theirs.components) == ours.bits, name
        assert len(theirs.components) == len(ours.channels.replace("0", "")), name
        if ours.is_yuv:
            x, y = ours.chroma_shift
            assert (theirs.chroma_width(), theirs.chroma_height()) == (64 >> x, 64 >> y), name
