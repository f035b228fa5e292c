"""How much two takes of a shot differ, frame by frame."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import numpy as np

from understudy_api.v1 import take_pb2
from understudy_engine.media.info import ColourTags
from understudy_engine.media.pixels import components, size_of
from understudy_engine.media.read import open_stored
from understudy_engine.media.rgb import to_rgb_float
from understudy_engine.types import FrameRange, Picture

from .errors import TakesUnlike

Seen = tuple[Picture, ColourTags]


def compared(a: Sequence[Path], b: Sequence[Path]) -> Generator[take_pb2.CompareTakesResponse]:
    """Two layers, each the files of its segments in order, of as many frames. Holds one frame of each.

    Raises:
        TakesUnlike: their pictures differ in size. MediaError: a file is damaged.
    """
    for number, (ours, theirs) in enumerate(zip(_pictures(a), _pictures(b), strict=True)):
        yield _difference(number, ours, theirs)


def _pictures(files: Sequence[Path]) -> Iterator[Seen]:
    for file in files:
        with open_stored(file) as clip:
            for picture in clip.read(FrameRange(0, clip.info.frame_count)):
                yield picture, clip.info.colour


def _difference(number: int, a: Seen, b: Seen) -> take_pb2.CompareTakesResponse:
    sizes = size_of(a[0]), size_of(b[0])
    if sizes[0] != sizes[1]:
        (width_a, height_a), (width_b, height_b) = sizes
        raise TakesUnlike(
            f"One take is {width_a} x {height_a}, the other {width_b} x {height_b}. Compare takes of one size.",
            size_a=f"{width_a}x{height_a}",
            size_b=f"{width_b}x{height_b}",
        )
    if _identical(a[0], b[0]):
        return take_pb2.CompareTakesResponse(frame=number, identical=True)
    apart = np.abs(to_rgb_float(*a) - to_rgb_float(*b))
    return take_pb2.CompareTakesResponse(
        frame=number, mean_difference=float(apart.mean()), max_difference=float(apart.max())
    )


def _identical(a: Picture, b: Picture) -> bool:
    if a.pix_fmt != b.pix_fmt:
        return False
    ours, theirs = components(a), components(b)
    return all(np.array_equal(ours[letter], theirs[letter]) for letter in ours)
