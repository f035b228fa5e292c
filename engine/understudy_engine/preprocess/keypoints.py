"""Whole-body keypoints: 133 points a frame in the COCO-WholeBody order, and the bodies made of them.

17 body joints, 6 of the feet, 68 of the face, 21 of each hand. The model's skeleton has 20 body joints, with
a neck between the shoulders and one toe a foot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMismatch
from ..types import FrameRange, FrameSize
from .joints import BODY
from .joints import FACE as FACE
from .joints import LEFT_HAND as LEFT_HAND
from .joints import POINTS as POINTS
from .joints import RIGHT_HAND as RIGHT_HAND
from .sizing import Fit

Points = NDArray[np.floating[Any]]


class Skeleton(NamedTuple):
    """One person in one frame: rows x, y (pixels) and score."""

    body: Points  # (20, 3)
    left_hand: Points  # (21, 3)
    right_hand: Points  # (21, 3)


def skeleton_of(points: Points) -> Skeleton:
    """(133, 3) -> the joints that are drawn. A joint between two points has the mean of their scores."""
    pairs = np.array(BODY)
    body = (points[pairs[:, 0]] + points[pairs[:, 1]]) / 2
    # Between a point and an absent one lies nothing.
    body[(points[pairs][:, :, 2] <= 0).any(axis=1), 2] = 0
    return Skeleton(body, points[LEFT_HAND], points[RIGHT_HAND])


def on_canvas(points: Points, fit: Fit) -> Points:
    """(..., 133, 3) in pixels of *fit*'s source -> in pixels of its canvas."""
    return np.concatenate([fit.place(points[..., :2]), points[..., 2:]], axis=-1)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """One person through a clip: *points* (T, 133, 3) float32, x and y in pixels of *size*, and a score.

    Score 0 means that the point is not there; detectors give about 1 for a sure one.

    Raises:
        PassMismatch: not 133 points, or values that are no numbers.
    """

    points: NDArray[np.float32]
    size: FrameSize

    def __post_init__(self) -> None:
        if self.points.ndim != 3 or self.points.shape[1:] != (POINTS, 3):
            count = self.points.shape[1] if self.points.ndim > 1 else 0
            raise PassMismatch(
                f"The keypoints have {count} points a frame; whole-body keypoints have {POINTS}, "
                "each x, y, score. Export COCO-WholeBody keypoints.",
                points=count,
            )
        bad = np.argwhere(~np.isfinite(self.points))
        if len(bad):
            frame, point = int(bad[0][0]), int(bad[0][1])
            raise PassMismatch(
                f"Point {point} of frame {frame} of the keypoints is no number. "
                "Give a missing point the score 0 instead.",
                frame=frame,
                point=point,
            )

    def __len__(self) -> int:
        return len(self.points)

    def cut(self, frames: FrameRange) -> Keypoints:
        return Keypoints(self.points[frames.start : frames.end], self.size)

    def scaled_to(self, size: FrameSize) -> Keypoints:
        """The same keypoints in pixels of a clip of another size."""
        scale = np.array([size.width / self.size.width, size.height / self.size.height, 1], np.float32)
        return Keypoints(self.points * scale, size)
