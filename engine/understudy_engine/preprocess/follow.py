"""One person followed through a clip among others: by overlap, and by their points where that leaves doubt.

People have no names here and are known by where they were. Whoever appears while the followed one is away is taken
for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .detect import Person, nearest_person

LEAST_OVERLAP = 0.1  # of two boxes that show the same person in neighbouring frames
CLEARLY = 0.25  # so much more overlap with somebody else leaves no doubt that it is they
FORGET_FRAMES = 24  # for which somebody else, not seen, is still expected where they were


@dataclass(slots=True)
class _Other:
    """Somebody who is not the one that is followed."""

    box: Person
    unseen_frames: int = 0


class Follower:
    def __init__(self) -> None:
        self._last: Person | None = None  # where the followed one was last seen
        self._others: list[_Other] = []

    def next(self, people: Sequence[Person], distance: Callable[[Person], float]) -> Person | None:
        """Which of the next frame's *people* it is, or None if they are not there.

        *distance* tells how far somebody's points are from the followed one's last ones. It is asked where
        several people stand where the followed one was.
        """
        if self._last is None:
            found = nearest_person(people)
        else:
            found = self._continued(self._last, people, distance)
        rest = [person for person in people if person is not found]
        newcomers = self._recognised(rest)
        if found is None and self._last is not None:
            found = nearest_person(newcomers)  # back, elsewhere
        self._others += [_Other(person) for person in newcomers if person is not found]
        self._last = found or self._last
        return found

    def _continued(
        self, last: Person, people: Sequence[Person], distance: Callable[[Person], float]
    ) -> Person | None:
        contenders = [person for person in people if overlap(last, person) >= LEAST_OVERLAP]
        margin = CLEARLY if len(contenders) > 1 else 0.0
        doubtful = [person for person in contenders if not self._is_other(person, last, margin)]
        return min(doubtful, key=distance) if len(doubtful) > 1 else next(iter(doubtful), None)

    def _is_other(self, person: Person, last: Person, margin: float) -> bool:
        return any(overlap(other.box, person) > overlap(last, person) + margin for other in self._others)

    def _recognised(self, people: Sequence[Person]) -> list[Person]:
        """Brings the others' places up to date; who of *people* is none of them."""
        unknown = list(people)
        for other in self._others:
            same = max(unknown, key=lambda person: overlap(other.box, person), default=None)
            other.unseen_frames += 1
            if same is not None and overlap(other.box, same) >= LEAST_OVERLAP:
                other.box, other.unseen_frames = same, 0
                unknown.remove(same)
        self._others = [other for other in self._others if other.unseen_frames <= FORGET_FRAMES]
        return unknown


def overlap(a: Person, b: Person) -> float:
    """What two boxes have in common over what they cover together, 0-1."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.area + b.area - width * height)
