"""What every source of found mattes can do, and how a matte of each frame is kept: small, until it is laid out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..types import FrameRange, FrameSize
from .detect import Person
from .matte import Matte
from .pose import PoseCrop

Points = NDArray[np.floating[Any]]


class KeptMatte(Protocol):
    """A found matte, a few KB."""

    def laid_back(self, picture: FrameSize) -> Matte:
        """In a picture of that size, (height, width): 255 = the person."""
        ...


class Shown(NamedTuple):
    """One person in one picture."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    person: Person
    points: Points  # (133, 3) in pixels of the picture
    crop: PoseCrop | None = None  # where they were found, as they are


class FollowsMatte(Protocol):
    """One person's matte through one clip."""

    def find(self, index: int, shown: Shown) -> KeptMatte | None:
        """Of frame *index*; frames are asked for in rising order. None: nothing of the person is seen."""
        ...


class FindsMattes(Protocol):
    """A net, ready to run."""

    def through(self, shots: Sequence[FrameRange], look: Callable[[int], Shown | None]) -> FollowsMatte:
        """Begins a clip of *shots*. *look* shows the person in any frame; None: they are not there."""
        ...

    def alone(self) -> FollowsMatte | None:
        """What looks at each frame by itself, in any order and at several side by side; None: frames go in order."""
        ...
