"""Limbs made longer or shorter by the artist: factors, and the clip's person with them, as Replace draws them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMismatch
from .joints import LIMBS, MIN_SCORE
from .keypoints import Skeleton

Points = NDArray[np.floating[Any]]

RANGE = (0.25, 4.0)
WRISTS = {"left_hand": 7, "right_hand": 4}
ANKLES = [10, 13]

# Of each of LIMBS, the part that it belongs to.
PARTS = ("torso",) * 2 + ("arms",) * 4 + (("torso",) + ("legs",) * 2) * 2 + ("head",) * 5 + ("legs",) * 2


@dataclass(frozen=True, slots=True)
class LimbFactors:
    """How many times as long parts of the body become, 0.25 to 4. 1 leaves a part as it is.

    *torso* is what the neck holds: shoulders' width and hips' distance. *head* is neck, eyes and ears, *legs* are feet
    too. *hands* are sized beside their arms.

    Raises:
        PassMismatch: a factor out of its range.
    """

    arms: float = 1.0
    legs: float = 1.0
    torso: float = 1.0
    head: float = 1.0
    hands: float = 1.0

    def __post_init__(self) -> None:
        for field, value in zip(fields(self), astuple(self), strict=True):
            if not (math.isfinite(value) and RANGE[0] <= value <= RANGE[1]):
                raise PassMismatch(
                    f"The factor of the {field.name} is {value}; limbs can be made {RANGE[0]} to {RANGE[1]:.0f} times "
                    "as long.",
                    part=field.name,
                    factor=value,
                )

    def of_limbs(self) -> NDArray[np.float64]:
        """One for each of LIMBS."""
        return np.array([getattr(self, part) for part in PARTS])


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
    bodies = [stretch(skeleton.body, factors.of_limbs()) for skeleton in clip]
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
