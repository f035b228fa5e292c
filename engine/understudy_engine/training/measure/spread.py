"""Means with their confidence intervals, by drawing the clips again and again (the bootstrap)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 2000
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean, and where it lies with a confidence of 95 %, over *clips* that have the figure."""

    mean: float
    low: float
    high: float
    clips: int


def interval(values: Sequence[float | None]) -> Interval | None:
    """None if no clip has the figure. The same values give the same interval."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(known):
        return None
    draws = np.random.default_rng(0).integers(len(known), size=(DRAWS, len(known)))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(known[draws].mean(axis=1), [tail, 100 - tail])
    return Interval(float(known.mean()), float(low), float(high), len(known))
