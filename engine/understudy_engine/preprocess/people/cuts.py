"""Where one shot of a clip ends and the next begins, found from the pictures themselves.

A cut changes colours and structure, all over the picture, between two frames, and for good. A pan only moves the
structure, light changes the colours alone, a flash is soon over, a whip pan takes several frames. Dissolves are not
found, nor shots of less than three frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import pairwise, product
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ...types import FrameRange
from .appearance import distribution

SMALL_WIDTH_PX, SMALL_HEIGHT_PX = 64, 48  # of what is kept of a picture
TILE_PX = 16
REACH_PX = 12  # of the small picture: how far a tile is looked for, about a fifth of the width
BINS = 16  # of each colour channel
FLAT = 3.0  # standard deviation of a tile that shows nothing, in levels of 255
LEAST_COLOURS = 0.1  # so far colours count as different in any case: two views of one place share them
HOLDS_FRAMES = 3  # what is over earlier is a flash
LEAST_CHANGE = 0.18  # the studio's clips change by 0.13 at most, and by 0.27 at least where two are joined
LEAST_RISE = 2.0  # over the changes of the frames before and after


class Glance(NamedTuple):
    """A picture as far as cuts are concerned: 3 KB."""

    small: NDArray[np.uint8]  # (48, 64) lightness
    colours: NDArray[np.float64]  # (3, 16) how the values of L, a and b are distributed

    @classmethod
    def at(cls, rgb: NDArray[np.uint8]) -> Glance:
        small = cv2.resize(rgb, (SMALL_WIDTH_PX, SMALL_HEIGHT_PX), interpolation=cv2.INTER_AREA)
        lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
        return cls(lab[..., 0].copy(), distribution(lab.reshape(-1, 3), BINS))


def change(before: Glance, after: Glance) -> float:
    """How much another picture it is, 0-1: the geometric mean of how far colours and structure differ."""
    colours = 1 - float(np.minimum(before.colours, after.colours).sum(axis=1).mean())
    return float(np.sqrt(max(LEAST_COLOURS, colours) * _structure_change(before.small, after.small)))


def _structure_change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """0: every tile is found again, near where it was and in whatever light; the median over the tiles."""
    around = cv2.copyMakeBorder(after, REACH_PX, REACH_PX, REACH_PX, REACH_PX, cv2.BORDER_REFLECT)
    corners = product(range(0, SMALL_HEIGHT_PX, TILE_PX), range(0, SMALL_WIDTH_PX, TILE_PX))
    changes = [_tile_change(before, after, around, y, x) for y, x in corners]
    told = [change for change in changes if change is not None]
    return float(np.median(told)) if told else 0.0


def _tile_change(
    before: NDArray[np.uint8], after: NDArray[np.uint8], around: NDArray[np.uint8], y: int, x: int
) -> float | None:
    """None: there is nothing to see in either."""
    place = np.s_[y : y + TILE_PX, x : x + TILE_PX]
    if before[place].std() < FLAT:
        return None if after[place].std() < FLAT else 1.0
    near = around[y : y + TILE_PX + 2 * REACH_PX, x : x + TILE_PX + 2 * REACH_PX]
    likeness = cv2.matchTemplate(near, before[place], cv2.TM_CCOEFF_NORMED).max()
    return 1 - max(0.0, float(likeness))


class CutFinder:
    """Sees a clip's pictures in order and keeps six of them, small, and a number for each."""

    def __init__(self) -> None:
        self._near: deque[tuple[int, Glance]] = deque(maxlen=2 * HOLDS_FRAMES)
        self._changes: list[float] = []  # into frame k from the one before, for k from 0 on
        self._seen = 0

    def see(self, rgb: NDArray[np.uint8]) -> None:
        """The next frame, (H, W, 3)."""
        self._near.append((self._seen, Glance.at(rgb)))
        self._seen += 1
        if self._seen >= HOLDS_FRAMES:
            self._changes.append(self._lasting_change(len(self._changes)))

    def shots(self) -> list[FrameRange]:
        """Of what was seen so far; together they are all of it."""
        rest = range(len(self._changes), self._seen)
        changes = [*self._changes, *(self._lasting_change(frame) for frame in rest)]
        bounds = [0, *_cuts_in(changes), self._seen]
        return [FrameRange(start, end) for start, end in pairwise(bounds) if start < end]

    def _lasting_change(self, frame: int) -> float:
        """The least change from any of the three frames before *frame* to any of the three from there on."""
        before = [glance for index, glance in self._near if frame - HOLDS_FRAMES <= index < frame]
        after = [glance for index, glance in self._near if frame <= index < frame + HOLDS_FRAMES]
        if not before:
            return 0.0
        nearest = change(before[-1], after[0])
        if nearest < LEAST_CHANGE:
            return nearest  # the others could only lower it
        return min(change(*pair) for pair in product(before, after))


def _cuts_in(changes: list[float]) -> Iterable[int]:
    """Frames that begin a shot: changes that stand out among their neighbours."""
    for frame, value in enumerate(changes):
        first = max(0, frame - HOLDS_FRAMES + 1)
        others = changes[first:frame] + changes[frame + 1 : frame + HOLDS_FRAMES]
        if value >= LEAST_CHANGE and value >= LEAST_RISE * max(others, default=0.0):
            yield frame
