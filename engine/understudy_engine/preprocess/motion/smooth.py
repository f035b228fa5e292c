"""Smoothing of a clip's points: tremble goes, motion stays, short gaps are filled and marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..joints import MIN_SCORE
from .gaps import fill_gaps, runs_between_gaps
from .polynomials import Tracks, steadied, tremble

Points = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

SPIKE = 6.0  # times its tremble, a point that lies off where its neighbours lead was misread
PARTS = (("body", slice(0, 23)), ("face", slice(23, 91)), ("hands", slice(91, 133)))


@dataclass(frozen=True, slots=True)
class Strength:
    """How strongly one part is smoothed: over *reach_s* seconds to each side where its motion allows.

    *doubt*: by how many of its standard deviations what a smooth curve leaves unexplained may exceed the point's own
    tremble. More removes more, and begins to eat small fast motion. A reach of 0 leaves the part alone.
    """

    reach_s: float
    doubt: float = 8.0


@dataclass(frozen=True, slots=True)
class Smoothing:
    """What is done to a clip's points. Times in seconds: the same at every frame rate."""

    body: Strength = Strength(reach_s=0.25)
    face: Strength = Strength(reach_s=0.25, doubt=12.0)
    hands: Strength = Strength(reach_s=0.2, doubt=5.0)
    longest_gap_s: float = 0.2
    sure_score: float = MIN_SCORE  # from which a point is there: what is drawn


class Smoothed(NamedTuple):
    """*filled*: which points nobody saw, but lie between frames in which they were seen."""

    points: NDArray[np.float32]  # (T, 133, 3)
    filled: Mask  # (T, 133)


def smooth(
    points: Points, rate: Fraction, *, cuts: Sequence[int] = (), smoothing: Smoothing = Smoothing()
) -> Smoothed:
    """(T, 133, 3) points of one person at *rate* frames a second, without tremble.

    A point that jumps away for a single frame counts as not seen there. What is not seen and no short gap stays as it
    is, to the bit; so does every score but those of filled points, which is the lower of the gap's two ends'. Memory:
    about 30 MB, and 8 KB a frame.

    Args:
        cuts: the first frame of each shot but the first. Nothing is carried over them.
    """
    shots = np.split(np.asarray(points, np.float32), sorted({cut for cut in cuts if 0 < cut < len(points)}))
    done = [_shot(shot, rate, smoothing) for shot in shots]
    return Smoothed(np.concatenate([d.points for d in done]), np.concatenate([d.filled for d in done]))


def _shot(points: NDArray[np.float32], rate: Fraction, smoothing: Smoothing) -> Smoothed:
    longest = round(smoothing.longest_gap_s * rate)
    sure = points[..., 2] >= smoothing.sure_score
    sure &= ~spikes(points[..., :2].astype(float), sure)
    runs = runs_between_gaps(sure, longest)
    weights = np.where(sure, points[..., 2], 0).astype(float)
    result = points.copy()
    for name, part in PARTS:
        strength: Strength = getattr(smoothing, name)
        reach = round(strength.reach_s * rate)
        tracks = points[:, part, :2].astype(float)
        result[:, part, :2] = steadied(
            tracks, weights[:, part], runs[:, part], reach=reach, doubt=strength.doubt
        )
    filled_points, filled = fill_gaps(result, sure, longest)
    return Smoothed(filled_points.astype(np.float32), filled)


def spikes(tracks: Tracks, sure: Mask) -> Mask:
    """(T, N) which of (T, N, 2) lie off for one frame, between two sure frames on each side.

    Off is who lies farther from the cubic through those four than they lie from each other, and SPIKE times the
    track's tremble: a hand that waves six times a second, at 24 frames, does not.
    """
    found = np.zeros_like(sure)
    if len(tracks) < 5:
        return found
    noise = tremble(tracks, sure.astype(float), np.zeros_like(sure, int))
    four = np.stack([tracks[:-4], tracks[1:-3], tracks[3:-1], tracks[4:]])  # (4, T - 4, N, 2)
    led = (4 * (four[1] + four[2]) - four[0] - four[3]) / 6
    off = np.hypot(*np.moveaxis(tracks[2:-2] - led, -1, 0))
    apart = np.hypot(*np.moveaxis(four.max(axis=0) - four.min(axis=0), -1, 0))
    whole = sure[:-4] & sure[1:-3] & sure[2:-2] & sure[3:-1] & sure[4:]
    found[2:-2] = whole & (off > apart) & (off > SPIKE * noise)
    return found
