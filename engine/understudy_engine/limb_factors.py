"""How long the limbs of a skeleton become, as an artist says it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from .errors import PassMismatch

LIMB_RANGE = (0.25, 4.0)


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
        for part in fields(self):
            factor = getattr(self, part.name)
            if not (math.isfinite(factor) and LIMB_RANGE[0] <= factor <= LIMB_RANGE[1]):
                raise PassMismatch(
                    f"The factor of the {part.name} is {factor}; limbs can be made {LIMB_RANGE[0]} to "
                    f"{LIMB_RANGE[1]:.0f} times as long.",
                    part=part.name,
                    factor=factor,
                )
