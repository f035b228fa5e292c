"""What nets found in a clip before: looked up, and kept for the next job. `analysis.memory` does both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..media.info import ClipInfo
from ..types import FrameRange
from .detect import Person
from .mattes import KeptMatte
from .people.cast import Cast

if TYPE_CHECKING:
    from .nets import NetFolder

Points = NDArray[np.floating[Any]]


class RemembersShot(Protocol):
    """Frames of one clip, as one set of nets sees them. What is not known is None.

    Points are asked for, or kept, behind the cast, and mattes behind the points: they are of the same person.
    """

    def cast(self) -> Cast | None: ...

    def points(self, boxes: Mapping[int, Person]) -> Points | None:
        """(T, 133, 3) as the net gave them for the person in *boxes*."""
        ...

    def mattes(self) -> Sequence[KeptMatte | None] | None:
        """One a frame; None where nothing of the person is seen."""
        ...

    def keep_cast(self, cast: Cast) -> None:
        """For the next time. Never fails, as `keep_person`: where there is no room, nothing is kept."""
        ...

    def keep_person(
        self, boxes: Mapping[int, Person], points: Points, mattes: Sequence[KeptMatte | None] | None
    ) -> None: ...


class Remembers(Protocol):
    def shot(
        self, nets: NetFolder, clip: ClipInfo, frames: FrameRange, *, reference_bgr: bool
    ) -> RemembersShot: ...
