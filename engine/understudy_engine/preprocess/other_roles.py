"""What a role of a job knows of the others while its passes are opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .first_look import FirstLook
from .plate import Neighbour


@dataclass(frozen=True, slots=True)
class OtherRoles:
    first_look: FirstLook  # through the range of the clip, once for all of them
    touching: Callable[[int], Sequence[Neighbour]]  # by frame
