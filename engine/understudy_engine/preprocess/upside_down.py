"""People who stand on their heads, for nets that learnt people who stand: when to show them the crop turned over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .joints import MIN_SCORE
from .pose import PoseCrop

Points = NDArray[np.floating[Any]]

BODY = slice(17)
SEEN_PEAK = 0.35  # of a heatmap, from which on a point is drawn
UNSURE = 0.7  # mean peak: of upright people one in ten lies below, of people upside down nearly all
SURER = 0.12  # by so much the points of the turned crop have to be surer than those of the crop as it is

# How far down a person each point lies, in heads. Arms are left out: they may point anywhere.
LEVELS = {
    -0.2: range(40, 50),  # brows
    -0.1: (1, 2),  # eyes
    0.0: (0, 3, 4),  # nose and ears
    0.3: range(71, 91),  # mouth
    0.5: (31,),  # chin
    1.0: (5, 6),  # shoulders
    3.5: (11, 12),  # hips
    5.5: (13, 14),  # knees
    7.5: (15, 16),  # ankles
}
PLACES = np.array([point for points in LEVELS.values() for point in points])
DOWN = np.array([level for level, points in LEVELS.items() for _ in points])
LEAST_POINTS = 5
OPPOSED = -0.5  # correlation: below it the person is upside down


def sureness(points: Points) -> float:
    """Mean peak of those body points of (133, 3) that would be drawn, 0-1."""
    peaks = points[BODY, 2]
    seen = peaks[peaks >= SEEN_PEAK]
    return float(seen.mean()) if len(seen) else 0.0


def fits_turned(found: Points, other: Points) -> bool:
    """Whether (133, 3) *other*, of a crop turned over, and not *found*, of the same as it is, show the person."""
    return sureness(other) > sureness(found) + SURER and is_upside_down(other)


def turned_over(crop: PoseCrop) -> PoseCrop:
    """By half a circle."""
    return crop._replace(pixels=turned(crop.pixels))


def turned(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., H, W) by half a circle."""
    return np.ascontiguousarray(picture[..., ::-1, ::-1])


def turned_back(points: NDArray[np.float32], crop: PoseCrop) -> NDArray[np.float32]:
    """(133, 3), found in *crop* turned over, in pixels of the picture as it is."""
    places = (2 * crop.centre - points[:, :2]).astype(np.float32)
    return np.concatenate([places, points[:, 2:]], axis=1)


def is_upside_down(points: Points) -> bool:
    """Whether (133, 3) show a person whose legs are above the head, or the chin above the brows."""
    seen = points[PLACES, 2] >= MIN_SCORE
    down, y = DOWN[seen], points[PLACES[seen], 1]
    if len(y) < LEAST_POINTS or down.std() == 0 or y.std() == 0:
        return False
    return bool(np.corrcoef(down, y)[0, 1] < OPPOSED)
