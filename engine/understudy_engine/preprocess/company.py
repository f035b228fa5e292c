"""What the roles of one job share while their passes are opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .look_around import LookAround
from .plate import PlateMatte


@dataclass(frozen=True, slots=True)
class Company:
    """As one role meets it."""

    around: LookAround  # the range of the clip, read once for all
    in_front: Callable[[int], Sequence[PlateMatte]]  # the mattes of those before this role's person, by frame
