"""The exact frame rate behind what a container says, and the even timeline of clips that have none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_WHOLE_RATES = (5, 6, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 72, 90, 96, 100, 120, 240)
STANDARD_RATES = (
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)),
    *(Fraction(n) for n in _WHOLE_RATES),
    Fraction(25, 2),
)
MAX_RATE = Fraction(240)  # beyond it a container names its clock's tick, not a rate
_SNAP = Fraction(1, 2500)  # 0.04 %: tells 23.976 from 24 (0.1 % apart)
_NEAR = Fraction(1, 100)  # a wavering clock measures a standard rate this badly over few frames
_LOOSE_SNAP = Fraction(3, 100)  # for clips of uneven rate, where only the nominal rate is meant
_STEADY = 0.25  # frames: how far a frame may lie from its place in a clip of constant rate


@dataclass(frozen=True, slots=True)
class Timeline:
    """Clip frame j shows stored frame ``source[j]``; None: every stored frame once, in order."""

    rate: Fraction | None
    source: NDArray[np.int64] | None = None


def snap(rate: Fraction, within: Fraction = _SNAP) -> Fraction:
    """The standard rate next to *rate* if it is within the given share of it, else *rate* in small numbers."""
    nearest = min(STANDARD_RATES, key=lambda standard: abs(standard - rate))
    return nearest if abs(nearest - rate) <= within * nearest else rate.limit_denominator(1001)


def find_timeline(times: NDArray[np.int64], tick: Fraction, declared: Iterable[Fraction | None]) -> Timeline:
    """The constant rate that frames shown at *times* have, or the even timeline they are conformed to.

    Args:
        times: in ticks, ascending, one a stored frame.
        tick: seconds.
        declared: rates the container names, most trusted first; 0 and None are passed over.

    A clip counts as constant when no frame lies further than a quarter frame from its place, so coarse clocks
    (Matroska's millisecond) and sloppy rates (2997/100) do no harm. Otherwise the middle interval gives the
    rate, and clip frame j shows the stored frame on screen at the middle of j's interval, as a player would.
    """
    named = [snap(rate) for rate in declared if rate]
    if len(times) == 1:
        return Timeline(next((rate for rate in named if rate <= MAX_RATE), None))
    measured = Fraction(len(times) - 1) / (int(times[-1] - times[0]) * tick)
    near = sorted(
        (r for r in STANDARD_RATES if abs(r - measured) <= _NEAR * r), key=lambda r: abs(r - measured)
    )
    for rate in (*named, *near, measured.limit_denominator(1001)):
        if _is_steady(times, tick, rate):
            return Timeline(rate)
    return _conform(times, tick)


def _is_steady(times: NDArray[np.int64], tick: Fraction, rate: Fraction) -> bool:
    places = (times - times[0]) * float(tick * rate)
    offsets = places - np.arange(len(times))
    return bool(np.ptp(offsets) <= 2 * _STEADY)


def _conform(times: NDArray[np.int64], tick: Fraction) -> Timeline:
    interval = int(np.median(np.diff(times)))
    rate = min(snap((1 / (interval * tick)).limit_denominator(1001), _LOOSE_SNAP), MAX_RATE)
    span = int(times[-1] - times[0] + interval) * tick
    count = max(1, round(span * rate))
    middles = (np.arange(count) + 0.5) / float(tick * rate)
    source = np.searchsorted(times - times[0], middles, side="right") - 1
    return Timeline(rate, source.astype(np.int64))
