"""Grey pictures at the plate's size: mattes as they came, and an artist's masks of what is never replaced in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..errors import MatteEmpty
from ..types import FrameSize, FrameSource
from .matte import Matte, binary
from .sizing import Box, resize
from .sources import AT_ONCE, Still


class Greys:
    """One grey picture a frame, of *size*; *content* is the plate's place in the pictures of *source*."""

    def __init__(self, source: FrameSource, content: Box, size: FrameSize) -> None:
        self._source = source
        self._content = content
        self._size = size
        self._still: list[Matte] = []  # the single picture, once it was read

    def __len__(self) -> int:
        return len(self._source)

    @property
    def is_still(self) -> bool:
        return isinstance(self._source, Still)

    def read(self, indices: Sequence[int]) -> list[Matte]:
        """(h, w) uint8 each. Not to be written to."""
        if not self.is_still:
            return self._read(indices)
        self._still = self._still or self._read([0])
        return self._still * len(indices)

    def _read(self, indices: Sequence[int]) -> list[Matte]:
        frames = self._source.read(indices)[:, self._content.rows, self._content.columns]
        # The brightest channel, so that a mask in one colour counts as well.
        greys = np.maximum(np.maximum(frames[..., 0], frames[..., 1]), frames[..., 2])
        # Cubic enlargement would ring around the edge.
        return [np.asarray(resize(grey, self._size, enlarge=cv2.INTER_LINEAR)) for grey in greys]


class Masks(NamedTuple):
    """What an artist says of the plate, whatever the matte shows there."""

    garbage: Greys | None = None  # half white and more: nobody is replaced there; goes before the matte grows
    keep: Greys | None = None  # white: the plate, whatever stands behind it; grey: that share of it


NO_MASKS = Masks()


def refuse_white(mask: Greys, name: str) -> None:
    """Raises MatteEmpty if *mask* leaves nothing of any frame. Reads up to the first frame of which it does."""
    for start in range(0, len(mask), AT_ONCE):
        if not all(binary(grey).all() for grey in mask.read(range(start, min(start + AT_ONCE, len(mask))))):
            return
    raise MatteEmpty(
        f"The {name} is white all over in all {len(mask)} frames, so nothing is left to be replaced. White marks what "
        "stays as it is in the clip; invert it if it is the other way round.",
        frames=len(mask),
    )
