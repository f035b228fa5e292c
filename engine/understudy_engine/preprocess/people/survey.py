"""A first look through a clip: its shots, and who is in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..detect import Person, overlap
from ..pose import MIN_BOX_PX
from .appearance import appearance_of
from .cast import Cast, name_people
from .cuts import CutFinder
from .tracks import follow
from .walker import Seen

SURE_SCORE = 0.4  # of a box: nano's detector gave people 0.65 and more, empty plates 0.37 and less
ALONE_OVERLAP = 0.1  # more of another's box, and colours could be theirs


class Survey:
    """Sees a clip's pictures in order, each once. Memory: one KB a frame and person; no picture is kept."""

    def __init__(self) -> None:
        self._cuts = CutFinder()
        self._seen: list[list[Seen]] = []

    def __len__(self) -> int:
        """Frames seen so far."""
        return len(self._seen)

    def see(self, rgb: NDArray[np.uint8], people: Sequence[Person]) -> None:
        """The next frame, (H, W, 3), and who a detector finds in it."""
        self._cuts.see(rgb)
        self._seen.append(seen_in(rgb, [person for person in people if is_sure(person)]))

    def cuts(self) -> list[int]:
        """The first frame of each shot so far but the first."""
        return [shot.start for shot in self._cuts.shots()][1:]

    def cast(self) -> Cast:
        """Of what was seen so far. Nobody is followed across a cut. The same pictures give the same names."""
        frames = list(enumerate(self._seen))
        return name_people({shot: follow(frames[shot.start : shot.end]) for shot in self._cuts.shots()})


def is_sure(person: Person) -> bool:
    return person.score >= SURE_SCORE and min(person.x1 - person.x0, person.y1 - person.y0) >= MIN_BOX_PX


def seen_in(rgb: NDArray[np.uint8], people: Sequence[Person]) -> list[Seen]:
    """What tracks need to know of *people* in one picture."""
    found = []
    for person in people:
        others = [other for other in people if other is not person]
        alone = all(overlap(person, other) <= ALONE_OVERLAP for other in others)
        found.append(Seen(person, appearance_of(rgb, person, others), alone))
    return found
