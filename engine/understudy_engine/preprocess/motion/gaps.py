"""Short gaps in a person's points, filled along the motion before and behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def runs_between_gaps(sure: Mask, longest: int) -> NDArray[np.int_]:
    """(T, N) numbers that change behind every gap of more than *longest* frames in which a point is not *sure*."""
    before, _ = neighbours(sure)
    index = np.arange(len(sure))[:, None]
    earlier = np.concatenate(
        [np.full((1, sure.shape[1]), -1), before[:-1]]
    )  # the last sure frame before this one
    begins = sure & (earlier >= 0) & (index - earlier - 1 > longest)
    return np.asarray(begins.cumsum(axis=0))


def fill_gaps(points: Points, sure: Mask, longest: int) -> tuple[Points, Mask]:
    """(T, N, 3) with gaps of up to *longest* frames filled, and (T, N) which of them are.

    A gap lies between two frames in which the point is *sure* (T, N). It is filled by the cubic curve that goes on
    from the steps before and behind it; the score is the lower of the two ends'. Longer gaps stay as they are.
    """
    before, behind = neighbours(sure)
    filled = ~sure & (before >= 0) & (behind < len(sure)) & (behind - before - 1 <= longest)
    frame, point = np.nonzero(filled)
    start, end = before[frame, point], behind[frame, point]
    span = (end - start)[:, None]
    a, b = points[start, point], points[end, point]
    chord = (b[:, :2] - a[:, :2]) / span
    first = _step(points, sure, start, point, -1, chord) * span
    last = _step(points, sure, end, point, 1, chord) * span
    u = (frame - start)[:, None] / span
    places = _hermite(u, a[:, :2], first, b[:, :2], last)
    result = points.copy()
    result[frame, point] = np.concatenate([places, np.minimum(a[:, 2:], b[:, 2:])], axis=1)
    return result, filled


def neighbours(sure: Mask) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """(T, N) the last sure frame up to each one (-1: none), and the next one from it on (T: none)."""
    index = np.arange(len(sure))[:, None]
    before = np.maximum.accumulate(np.where(sure, index, -1), axis=0)
    behind = np.minimum.accumulate(np.where(sure, index, len(sure))[::-1], axis=0)[::-1]
    return before, behind


def _step(
    points: Points, sure: Mask, at: NDArray[np.int_], point: NDArray[np.int_], side: int, otherwise: Points
) -> Points:
    """(G, 2) the motion a frame at a gap's edge, seen from outside; *otherwise* where nothing is sure there."""
    beside = at + side
    known = (beside >= 0) & (beside < len(sure))
    beside = beside.clip(0, len(sure) - 1)
    known &= sure[beside, point]
    step = (points[at, point, :2] - points[beside, point, :2]) * -side
    return np.asarray(np.where(known[:, None], step, otherwise))


def _hermite(u: Points, a: Points, first: Points, b: Points, last: Points) -> Points:
    """The cubic from *a* to *b* with slopes *first* and *last*, at *u* in 0-1."""
    straight = a + u * (b - a)
    return np.asarray(straight + u * (1 - u) * ((1 - u) * (first - (b - a)) - u * (last - (b - a))))
