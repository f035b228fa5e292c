"""Points put right by hand: few of them, kept apart from what was detected, blended into it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PassMismatch
from ...types import FrameSize
from ..joints import MIN_SCORE, POINTS
from ..point_names import NAMES

FADE_FRAMES = 6
LONGEST_FADE = 1000


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
    last = max((item.frame for item in corrections.items), default=-1)
    if last >= len(points):
        raise PassMismatch(
            f"A correction is of frame {last}, but the clip has {len(points)} frames (0 to {len(points) - 1}). Delete "
            "it, or choose the longer range.",
            frame=last,
            frames=len(points),
        )
    result = np.array(points, np.float32)
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(points)}), len(points)]
    for start, end in pairwise(edges):
        for point in sorted({item.point for item in corrections.items}):
            own = [item for item in corrections.items if item.point == point and start <= item.frame < end]
            _correct(result[start:end, point], own, start, corrections.fade_frames)
    return result


def _correct(track: NDArray[np.float32], items: Sequence[Correction], start: int, fade_frames: int) -> None:
    """Changes one point's (t, 3) of the shot that begins with frame *start*."""
    if not items:
        return
    frames = np.array([item.frame - start for item in items])
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
