"""A first look through a clip: its shots, and who is in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...types import FrameRange
from ..detect import MOST_OVERLAP, Person, overlap
from ..pose import MIN_BOX_PX
from .appearance import appearance_of
from .cast import Cast, name_people
from .cuts import CutFinder
from .filling import filled
from .tracks import Track, follow
from .walker import Seen

SURE_SCORE = 0.4  # of a box: in 30 plates without a person nano's detector was at most so sure of one
VERY_SURE_SCORE = 0.7  # of a box that counts although a surer one overlaps it by half
UNSURE_SCORE = 0.1  # from here on it may be somebody who is surely found a little earlier or later
ALONE_OVERLAP = 0.1  # more of another's box, and colours could be theirs


class Survey:
    """Sees a clip's pictures in order, each once. Memory: one KB a frame and person; no picture is kept."""

    def __init__(self) -> None:
        self._cuts = CutFinder()
        self._seen: list[list[Seen]] = []
        self._unsure: list[list[Person]] = []

    def __len__(self) -> int:
        """Frames seen so far."""
        return len(self._seen)

    def see(self, rgb: NDArray[np.uint8], people: Sequence[Person]) -> None:
        """The next frame, (H, W, 3), and who a detector finds in it."""
        self._cuts.see(rgb)
        sure = sure_people(people)
        self._seen.append(seen_in(rgb, sure))
        self._unsure.append(
            [person for person in people if person not in sure and is_sure(person, UNSURE_SCORE)]
        )

    def cuts(self) -> list[int]:
        """The first frame of each shot so far but the first."""
        return [shot.start for shot in self._cuts.shots()][1:]

    def cast(self) -> Cast:
        """Of what was seen so far. Nobody is followed across a cut. The same pictures give the same names."""
        return name_people({shot: self._tracks(shot) for shot in self._cuts.shots()})

    def _tracks(self, shot: FrameRange) -> list[Track]:
        frames = range(shot.start, shot.end)
        tracks = follow((frame, self._seen[frame]) for frame in frames)
        return filled(tracks, {frame: self._unsure[frame] for frame in frames})


def sure_people(people: Sequence[Person]) -> list[Person]:
    """Those of *people*, surest first, whom the detector is sure of. Of boxes that overlap by half the surest counts,
    and others that are very sure: two people may stand before one another."""
    sure: list[Person] = []
    for person in filter(is_sure, people):
        if person.score >= VERY_SURE_SCORE or all(overlap(person, other) <= MOST_OVERLAP for other in sure):
            sure.append(person)
    return sure


def is_sure(person: Person, least_score: float = SURE_SCORE) -> bool:
    return person.score >= least_score and min(person.x1 - person.x0, person.y1 - person.y0) >= MIN_BOX_PX


def seen_in(rgb: NDArray[np.uint8], people: Sequence[Person]) -> list[Seen]:
    """What tracks need to know of *people* in one picture."""
    found = []
    for person in people:
        others = [other for other in people if other is not person]
        alone = all(overlap(person, other) <= ALONE_OVERLAP for other in others)
        found.append(Seen(person, appearance_of(rgb, person, others), alone))
    return found
