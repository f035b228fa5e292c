"""The clip's person with limbs that the artist makes longer or shorter, standing on the same ground."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import LimbFactors
from .joints import LIMBS, MIN_SCORE
from .keypoints import Skeleton

Points = NDArray[np.floating[Any]]

WRISTS = {"left_hand": 7, "right_hand": 4}
ANKLES = [10, 13]

# Of each of LIMBS, the part that it belongs to.
PARTS = ("torso",) * 2 + ("arms",) * 4 + (("torso",) + ("legs",) * 2) * 2 + ("head",) * 5 + ("legs",) * 2


def of_limbs(factors: LimbFactors) -> NDArray[np.float64]:
    """One for each of LIMBS."""
    return np.array([getattr(factors, part) for part in PARTS])


def stretch(body: Points, ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """(20, 3) in the same pose with every limb *ratios* times as long; the neck stays where it is."""
    result = body.astype(float)
    for (a, b), ratio in zip(LIMBS, ratios, strict=True):
        result[b, :2] = result[a, :2] + (body[b, :2] - body[a, :2]) * ratio
    return result


def proportioned(clip: Sequence[Skeleton], factors: LimbFactors) -> Iterator[Skeleton]:
    """Each skeleton of the clip with other limbs, where it stands: the lower ankle stays on its height.

    Where an ankle is not seen, the body keeps the shift of the nearest frames that show both; in a clip that never
    does, the neck stays. Pixels, as they come. With factors of 1 the skeletons come back as they are.
    """
    if factors == LimbFactors():
        yield from clip
        return
    bodies = [stretch(skeleton.body, of_limbs(factors)) for skeleton in clip]
    shifts = _ground_shifts([skeleton.body for skeleton in clip], bodies)
    for skeleton, body, shift in zip(clip, bodies, shifts, strict=True):
        body[:, 1] += shift
        hands = {
            name: _hang(getattr(skeleton, name), skeleton.body[wrist], body[wrist], factors.hands)
            for name, wrist in WRISTS.items()
        }
        yield Skeleton(body, **hands)


def _ground_shifts(before: Sequence[Points], after: Sequence[Points]) -> NDArray[np.float64]:
    """How far down each frame's body goes so that it stands where it stood."""
    shown = [index for index, body in enumerate(before) if (body[ANKLES, 2] >= MIN_SCORE).all()]
    if not shown:
        return np.zeros(len(before))
    shifts = [before[index][ANKLES, 1].max() - after[index][ANKLES, 1].max() for index in shown]
    return np.asarray(np.interp(np.arange(len(before)), shown, shifts))


def _hang(hand: Points, old_wrist: Points, new_wrist: Points, factor: float) -> NDArray[np.float64]:
    """*hand* (21, 3) sized about the wrist and hung on the new one."""
    moved = hand.astype(float)
    moved[:, :2] = (moved[:, :2] - old_wrist[:2]) * factor + new_wrist[:2]
    return moved
