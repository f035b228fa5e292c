"""Stored layers, cut."""

from fractions import Fraction

import numpy as np
import pytest

from understudy_engine.errors import CorruptMedia
from understudy_engine.media.cut import cut_layer
from understudy_engine.media.info import ColourTags
from understudy_engine.media.layer import write_layer
from understudy_engine.media.read import open_clip
from understudy_engine.types import FrameRange, Picture

RATE = Fraction(24000, 1001)
COLOUR = ColourTags("bt709", "bt709", "bt709", "tv")


@pytest.fixture
def layer(tmp_path):
    path = tmp_path / "layer.mkv"
    noise = np.random.default_rng(3)
    planes = [[noise.integers(64, 900, (side, side), np.uint16) for side in (32, 16, 16)] for _ in range(9)]
    pictures = [Picture(tuple(frame), "yuv420p10le") for frame in planes]
    write_layer(path, pictures, rate=RATE, colour=COLOUR, pixel_aspect=Fraction(4, 3))
    return path, pictures


@pytest.mark.parametrize("frames", [(0, 3), (2, 7), (8, 9), (0, 9)])
def test_what_is_cut_out_has_the_very_samples_rate_and_tags(layer, tmp_path, frames):
    path, pictures = layer
    out = tmp_path / "cut.mkv"
    cut_layer(path, out, FrameRange(*frames))
    with open_clip(out) as clip:
        info = clip.info
        assert (info.rate, info.colour, info.pixel_aspect) == (RATE, COLOUR, Fraction(4, 3))
        assert info.frame_count == frames[1] - frames[0]
        found = list(clip.read(FrameRange(0, info.frame_count)))
    for ours, theirs in zip(found, pictures[slice(*frames)], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours.planes, theirs.planes, strict=True))


def test_a_layer_that_ends_too_early_is_told_and_nothing_is_left(layer, tmp_path):
    path, _ = layer
    with pytest.raises(CorruptMedia, match="2 frames too early"):
        cut_layer(path, tmp_path / "cut.mkv", FrameRange(5, 11))
    assert not (tmp_path / "cut.mkv").exists()
