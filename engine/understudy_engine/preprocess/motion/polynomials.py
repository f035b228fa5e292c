"""Tracks without tremble and without lag: polynomials fitted over as much time as the motion itself allows.

Around each frame parabolas and quartics are fitted to the frames nearby, over narrow and wide windows. Of the fits
that leave no more than the track's own noise unexplained, the one that averages most of it away is taken: slow motion
is averaged over the widest window, a fast turn over hardly any. Source: local polynomial regression (Savitzky and
Golay, Analytical Chemistry 36, 1964; Fan and Gijbels, Local Polynomial Modelling, 1996).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Tracks = Floats  # (T, N, 2)
Weights = Floats  # (T, N): how sure each place is, 0 where there is none
Runs = NDArray[np.int_]  # (T, N): no window reaches from one number into another

ORDERS = (2, 4)
SPARE = 2  # frames of a window beyond those that its polynomial would meet exactly
WIDER = 1.4  # each window than the one before
DIFFERENCE = 6  # the order of differences that leaves of a motion its tremble
LEAST_DIFFERENCES = 5
NORMAL_MAD = 0.6745  # median of the absolute values of normal noise of deviation 1
FRAMES_AT_ONCE = 256
MOST_REACH = 30  # bounds memory and time of slow motion footage


class Fit(NamedTuple):
    """Polynomials around (t, N) frames of weighted places."""

    places: Tracks  # (t, N, 2) of the middle
    noise_left: Floats  # (t, N) of a single place's deviation; infinite where too few frames have a place
    unexplained: Floats  # (t, N) variance around the polynomial, as an estimate of the noise's own
    freedom: Floats  # (t, N) how many numbers that estimate is made of


def steadied(tracks: Tracks, weights: Weights, runs: Runs, *, reach: int, doubt: float) -> Tracks:
    """*tracks* (T, N, 2) without tremble; places of weight 0, and tracks whose noise is not known, stay as they are.

    Args:
        reach: frames that the widest window has to each side, up to MOST_REACH; under 2 nothing changes.
        doubt: by how many of its own standard deviations a fit's unexplained variance may exceed the noise's.

    Memory at 133 points: about 50 MB (reach 6) to 85 MB (15), and 11 KB a frame.
    """
    variance = tremble(tracks, weights, runs) ** 2  # (N,)
    steadiest = np.where((weights > 0) & (variance > 0), 1.0, 0.0)
    result = tracks.copy()
    for order in ORDERS:
        for half in _windows(order, min(reach, MOST_REACH)):
            for frames, fit in _fits(tracks, weights, runs, half, order):
                allowed = variance * (1 + doubt * np.sqrt(2 / fit.freedom))
                better = (fit.unexplained <= allowed) & (fit.noise_left < steadiest[frames])
                result[frames][better] = fit.places[better]
                steadiest[frames][better] = fit.noise_left[better]
    return result


def tremble(tracks: Tracks, weights: Weights, runs: Runs) -> Floats:
    """(N,) standard deviation of each track's noise from frame to frame, 0 where too few frames tell.

    From the median of high differences: motion, even a wave of a third of a second at 24 frames a second, leaves
    little in them, and a jump here and there does not move a median.
    """
    sigma = np.zeros(tracks.shape[1])
    if len(tracks) <= DIFFERENCE:
        return sigma
    rough = np.abs(np.diff(tracks, DIFFERENCE, axis=0))  # (T - 6, N, 2)
    whole = sliding_window_view(weights, DIFFERENCE + 1, axis=0).min(axis=-1) > 0
    whole &= runs[DIFFERENCE:] == runs[:-DIFFERENCE]
    told = whole.sum(axis=0) >= LEAST_DIFFERENCES
    if told.any():
        rough = np.where(whole[..., None], rough, np.nan)[:, told]
        noise_kept = math.sqrt(math.comb(2 * DIFFERENCE, DIFFERENCE))
        sigma[told] = np.nanmedian(rough, axis=(0, 2)) / NORMAL_MAD / noise_kept
    return sigma


def _windows(order: int, reach: int) -> Iterator[int]:
    """Frames to each side, from the narrowest window that serves to *reach*."""
    half = (order + SPARE) // 2
    while half < reach:
        yield half
        half = max(half + 1, round(half * WIDER))
    if half == reach or (order + SPARE) // 2 < reach:
        yield reach


def _fits(tracks: Tracks, weights: Weights, runs: Runs, half: int, order: int) -> Iterator[tuple[slice, Fit]]:
    """All frames' fits, FRAMES_AT_ONCE at a time."""
    around = [(half, half), (0, 0)]
    near = sliding_window_view(np.pad(tracks, [*around, (0, 0)]), 2 * half + 1, axis=0)  # (T, N, 2, K)
    sure = sliding_window_view(np.pad(weights, around), 2 * half + 1, axis=0)  # (T, N, K)
    same = sliding_window_view(np.pad(runs, around, constant_values=-1), 2 * half + 1, axis=0)
    for start in range(0, len(tracks), FRAMES_AT_ONCE):
        frames = slice(start, start + FRAMES_AT_ONCE)
        counted = np.where(same[frames] == runs[frames, :, None], sure[frames], 0)
        yield frames, _fit(near[frames], counted, order)


def _fit(near: Floats, weights: Floats, order: int) -> Fit:
    """To places (t, N, 2, K) of *weights* (t, N, K), by weighted least squares."""
    half = weights.shape[-1] // 2
    offset = np.arange(-half, half + 1) / (half + 1)
    powers = offset ** np.arange(order + 1)[:, None]  # (P, K)
    nearness = (1 - np.abs(offset) ** 3) ** 3
    weighted = weights * nearness
    count = (weights > 0).sum(axis=-1)
    enough = count >= order + 1 + SPARE
    normal = np.einsum("tnk,ik,jk->tnij", weighted, powers, powers, optimize=True)
    normal[~enough] = np.eye(order + 1)
    inverse = np.linalg.inv(normal)
    shares = weighted * np.einsum(
        "tnj,jk->tnk", inverse[..., 0, :], powers
    )  # of each frame in the middle's place
    curve = inverse @ np.einsum("tnk,tndk,jk->tnjd", weighted, near, powers, optimize=True)  # (t, N, P, 2)
    off = near - np.einsum("tnjd,jk->tndk", curve, powers)
    # Noise of deviation 1 / sqrt(weight) leaves so much on average, in both coordinates:
    spent = np.einsum("tnk,ik,jk->tnij", weighted * nearness, powers, powers, optimize=True)
    expected = 2 * (((weights > 0) * nearness).sum(axis=-1) - np.einsum("tnij,tnji->tn", inverse, spent))
    left = np.sqrt((shares**2 / np.where(weights > 0, weights, 1)).sum(axis=-1))
    return Fit(
        curve[..., 0, :],
        np.where(enough, left, np.inf),
        np.einsum("tnk,tndk->tn", weighted, off**2) / np.where(enough, expected, 1),
        2.0 * np.maximum(count - order - 1, 1),
    )
