"""Points put right by hand: few of them, kept apart from what was detected, blended into it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PassMismatch
from ...types import FrameRange, FrameSize
from ..joints import MIN_SCORE, POINTS
from ..point_names import NAMES
from .gaps import fill_gaps, neighbours

FADE_FRAMES = 6
LONGEST_FADE = 1000
LONGEST_GAP_S = 0.2


@dataclass(frozen=True, slots=True, order=True)
class Correction:
    """Where one of the 133 points is in a frame: *x*, *y* in pixels of the corrections' size.

    Raises:
        PassMismatch: no such frame or point, or a place that is no number.
    """

    frame: int
    point: int
    x: float
    y: float

    def __post_init__(self) -> None:
        if self.frame < 0 or not 0 <= self.point < POINTS:
            raise PassMismatch(
                f"A correction is of frame {self.frame}, point {self.point}; frames count from 0, and points from 0 "
                f"to {POINTS - 1}.",
                frame=self.frame,
                point=self.point,
            )
        if not (math.isfinite(self.x) and math.isfinite(self.y)):
            raise PassMismatch(
                f"The correction of {NAMES[self.point]} in frame {self.frame} is at {self.x}, {self.y}, which is no "
                "place. Set it again, or delete it.",
                frame=self.frame,
                point=self.point,
            )


@dataclass(frozen=True, slots=True)
class Corrections:
    """All of a clip's, in pixels of *size*. Outside the first and the last of a point they fade over *fade_frames*.

    Raises:
        PassMismatch: two for the same point of a frame, or a fade of less than 0 or more than LONGEST_FADE frames.
    """

    items: tuple[Correction, ...]
    size: FrameSize
    fade_frames: int = FADE_FRAMES

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(sorted(self.items)))
        for a, b in pairwise(self.items):
            if (a.frame, a.point) == (b.frame, b.point):
                raise PassMismatch(
                    f"{NAMES[a.point]} has two corrections in frame {a.frame}. Delete one of them.",
                    frame=a.frame,
                    point=a.point,
                )
        if not 0 <= self.fade_frames <= LONGEST_FADE:
            raise PassMismatch(
                f"Corrections fade over 0 to {LONGEST_FADE} frames, not {self.fade_frames}.",
                fade_frames=self.fade_frames,
            )

    def cut(self, frames: FrameRange) -> Corrections:
        """Those of *frames* alone, counted from their start."""
        inside = (item for item in self.items if item.frame in frames.indices)
        return replace(self, items=tuple(replace(item, frame=item.frame - frames.start) for item in inside))

    def scaled_to(self, size: FrameSize) -> Corrections:
        """The same in pixels of a clip of another size."""
        x, y = size.width / self.size.width, size.height / self.size.height
        items = tuple(replace(item, x=item.x * x, y=item.y * y) for item in self.items)
        return Corrections(items, size, self.fade_frames)

    def refuse_beyond(self, frames: int) -> None:
        """Raises PassMismatch if one is of a frame behind a clip of so many."""
        last = max((item.frame for item in self.items), default=-1)
        if last >= frames:
            raise PassMismatch(
                f"A correction is of frame {last}, but the clip has {frames} frames (0 to {frames - 1}). Delete it, or "
                "choose the longer range.",
                frame=last,
                frames=frames,
            )

    def sha256(self) -> str:
        """Of what they say, whatever their file looks like."""
        rows = [(item.frame, item.point, item.x, item.y) for item in self.items]
        return hashlib.sha256(repr((rows, tuple(self.size), self.fade_frames)).encode()).hexdigest()


def put_right(
    points: NDArray[np.floating[Any]],
    corrections: Corrections,
    rate: Fraction,
    *,
    cuts: Sequence[int] = (),
    empty: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """`corrected`, and gaps of up to a fifth of a second filled on whose end a correction has been set.

    *empty* (T,): the frames in which no gap is filled, since nobody is there. Raises as `corrected` does.
    """
    result = corrected(points, corrections, cuts=cuts)
    for shot in _shots(len(points), cuts):
        own, set_by_hand = result[shot.start : shot.end], np.zeros((len(shot), POINTS), bool)
        for item in corrections.cut(shot).items:
            set_by_hand[item.frame, item.point] = True
        seen = own[..., 2] >= MIN_SCORE
        closed, filled = fill_gaps(own, seen, round(LONGEST_GAP_S * rate))
        filled &= _beside(set_by_hand, seen)
        if empty is not None:
            filled &= ~empty[shot.start : shot.end, None]
        own[filled] = closed[filled]
    return result


def corrected(
    points: NDArray[np.floating[Any]], corrections: Corrections, *, cuts: Sequence[int] = ()
) -> NDArray[np.float32]:
    """(T, 133, 3) detections in pixels of the corrections' size, with the corrections.

    At its frame a correction holds exactly, with score 1. How far it lies from the detection is carried on: along a
    straight line to the point's next correction, and fading before the first and behind the last. Detections of a
    score below MIN_SCORE are not drawn, so nothing is carried from them or to them: `fill_gaps` closes what is short.
    Nothing is carried over *cuts*, the first frame of each shot but the first.

    Raises:
        PassMismatch: a correction is of a frame that the clip does not have.
    """
    corrections.refuse_beyond(len(points))
    result = np.array(points, np.float32)
    for shot in _shots(len(points), cuts):
        within = corrections.cut(shot).items
        for point in sorted({item.point for item in within}):
            own = [item for item in within if item.point == point]
            _correct(result[shot.start : shot.end, point], own, corrections.fade_frames)
    return result


def _shots(frames: int, cuts: Sequence[int]) -> list[FrameRange]:
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < frames}), frames]
    return [FrameRange(start, end) for start, end in pairwise(edges)]


def _beside(set_by_hand: NDArray[np.bool_], seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T, N) the places between two that are *seen*, one of which was *set_by_hand*."""
    before, behind = neighbours(seen)
    point = np.arange(seen.shape[1])
    between = (before >= 0) & (behind < len(seen))
    ends = [set_by_hand[np.where(between, end, 0), point] for end in (before, behind)]
    return np.asarray(between & (ends[0] | ends[1]))


def _correct(track: NDArray[np.float32], items: Sequence[Correction], fade_frames: int) -> None:
    """Changes one point's (t, 3) in a shot, from whose start the items' frames count."""
    frames = np.array([item.frame for item in items])
    places = np.array([(item.x, item.y) for item in items])
    drawn = track[:, 2] >= MIN_SCORE
    offset = _carried(
        frames[drawn[frames]], (places - track[frames, :2])[drawn[frames]], len(track), fade_frames
    )
    moved = drawn & offset.any(axis=1)
    track[moved, :2] += offset[moved]
    track[frames] = np.column_stack([places, np.ones(len(frames))])


def _carried(
    frames: NDArray[np.int_], offsets: NDArray[np.float64], length: int, fade_frames: int
) -> NDArray[np.float64]:
    """(length, 2) from the offsets (n, 2) at *frames*."""
    if not len(frames):
        return np.zeros((length, 2))
    fade = max(fade_frames, 1)  # of 1: nothing but the frame itself
    knots = [frames[0] - fade, *frames, frames[-1] + fade]
    values = np.pad(offsets, [(1, 1), (0, 0)])
    return np.stack([np.interp(np.arange(length), knots, column) for column in values.T], axis=1)
