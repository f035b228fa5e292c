"""What somebody looks like from head to foot, as far as colours tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..detect import Person

BANDS = 4  # from head to foot
BINS = 12  # of each colour channel
MIDDLE = 0.7  # of the box's width: what is beside shows more of the place than of the person
BAND_PX = 16  # a band is looked at so high, and twice as wide
LEAST_SHARE = 0.15  # of a band that nobody else's box covers: with less of it the band tells nothing
UNKNOWN = 0.3  # of whom too little is seen: most strangers differ more, and most looks at one person less

Appearance = NDArray[Any]
"""(4, 3, 12): how L, a and b are distributed in each band, uint8 in parts of 255 or a mean of such; zeros where a
band is hidden."""


def appearance_of(rgb: NDArray[np.uint8], box: Person, others: Sequence[Person] = ()) -> Appearance:
    """Of who is in *box*, which lies at least in part in (H, W, 3), outside of *others*' boxes."""
    aside = (1 - MIDDLE) / 2 * (box.x1 - box.x0)
    x0, x1 = _inside(box.x0 + aside, box.x1 - aside, rgb.shape[1])
    y0, y1 = _inside(box.y0, box.y1, rgb.shape[0])
    size = (2 * BAND_PX, BANDS * BAND_PX)
    lab = cv2.cvtColor(cv2.resize(rgb[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    own = np.ones(lab.shape[:2], bool)
    scale = np.array([size[0] / (x1 - x0), size[1] / (y1 - y0)])
    for other in others:
        low = np.floor((np.array([other.x0, other.y0]) - [x0, y0]) * scale).astype(int).clip(0)
        high = np.ceil((np.array([other.x1, other.y1]) - [x0, y0]) * scale).astype(int).clip(0)
        own[low[1] : high[1], low[0] : high[0]] = False
    bands = zip(np.split(lab, BANDS), np.split(own, BANDS), strict=True)
    return np.stack([_looks(band[mine]) for band, mine in bands])


def _looks(band: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, 3) -> (3, 12)"""
    if len(band) < LEAST_SHARE * 2 * BAND_PX**2:
        return np.zeros((3, BINS), np.uint8)
    return np.rint(255 * distribution(band, BINS)).astype(np.uint8)


def distribution(colours: NDArray[np.uint8], bins: int) -> NDArray[np.float64]:
    """Which shares of (N, C) have their values in each of *bins* equal parts of 0-255: (C, bins)."""
    where = colours.astype(np.uint16) * bins >> 8
    counts = [np.bincount(channel, minlength=bins) for channel in where.T]
    return np.array(counts) / len(colours)


def _inside(low: float, high: float, end: int) -> tuple[int, int]:
    """Whole pixels of 0 to *end*, one at least."""
    first = min(max(0, int(low)), end - 1)
    return first, max(first + 1, min(end, int(high)))


def unlike(a: Appearance, b: Appearance) -> float:
    """How far two appearances differ, 0-1, in the bands that both show."""
    both = a.any(axis=(1, 2)) & b.any(axis=(1, 2))
    if not both.any():
        return UNKNOWN
    return float(1 - np.minimum(a[both], b[both]).sum() / (255.0 * 3 * both.sum()))


def mixed(usual: Appearance, now: Appearance, share: float) -> Appearance:
    """*usual* with *share* of *now* in the bands that both show, else as the one that shows it."""
    shown, seen = usual.any(axis=(1, 2), keepdims=True), now.any(axis=(1, 2), keepdims=True)
    return np.where(shown & seen, (1 - share) * usual + share * now, np.where(seen, now, usual))
