"""Whether a result holds together in time: flicker, jumps where segments meet, quality that drifts."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .likeness import LEVELS, psnr

CHAINED = 5  # segments over which drift is told


def flicker(result: Tensor, truth: Tensor, region: Tensor) -> float:
    """Mean change from frame to frame that the truth does not have, levels of 255, in *region* (T, H, W) of each
    pair's later frame. 0 for clips of one frame."""
    if len(result) < 2:
        return 0.0
    extra = (_steps(result) - _steps(truth)).abs().mean(dim=1)
    return LEVELS * _mean(extra, region[1:])


def seam_jump(result: Tensor, truth: Tensor, region: Tensor, seams: Sequence[int]) -> float | None:
    """The change into each first frame of a segment (*seams*) that the truth does not have, in parts of the truth's
    own mean change from frame to frame. None where there are no seams, or nothing moves."""
    if not seams:
        return None
    later = [seam - 1 for seam in seams]
    extra = (_steps(result)[later] - _steps(truth)[later]).abs().mean(dim=1)
    own = _mean(_steps(truth).abs().mean(dim=1), region[1:])
    return _mean(extra, region[1:][later]) / own if own > 0 else None


def drift_db(result: Tensor, truth: Tensor, region: Tensor, segments: Sequence[range]) -> float | None:
    """By how many dB the fifth segment's PSNR is below the first's. None for a clip of fewer segments, or if nobody is
    to be seen in one of the two."""
    if len(segments) < CHAINED:
        return None
    first, fifth = (slice(s.start, s.stop) for s in (segments[0], segments[CHAINED - 1]))
    if not (region[first].any() and region[fifth].any()):
        return None
    before, after = (psnr(result[s], truth[s], region[s]) for s in (first, fifth))
    return before - after


def _steps(video: Tensor) -> Tensor:
    return video[1:] - video[:-1]


def _mean(values: Tensor, region: Tensor) -> float:
    return float((values * region).sum() / region.sum().clamp(min=1))
