"""One person on the way through a shot: where they were seen, where they are expected, what they look like."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..detect import Person, overlap
from .appearance import Appearance, mixed, unlike
from .assignment import NEVER

LEAST_OVERLAP = 0.1  # of where somebody is expected and where they are
EXPECTED_FRAMES = 3  # for which somebody who is not seen is taken to walk on as before
RETURN_COST = 0.6  # of being found again elsewhere, besides looks
AT_ONCE = 0.25  # of a box's longer side: so far its middle may lie elsewhere from one frame to the next
FASTEST = 0.05  # and farther so much with each frame: about who walks as far as they are tall in a second
LEARN = 0.2  # how much the last look counts in what somebody looks like
STEADY = 0.5  # how much of a velocity is the one before


class Seen(NamedTuple):
    """Somebody in one frame, whoever it is: half a KB."""

    box: Person
    appearance: Appearance
    alone: bool = True  # nobody else's box reaches into this one


class Walker:
    """Seen for the first time at *frame*."""

    def __init__(self, frame: int, seen: Seen) -> None:
        self.boxes = {frame: seen.box}  # by rising frame
        self.first, self.last = frame, frame
        self._recent = self._usual = np.asarray(seen.appearance, float)
        self._looks = 1
        self._velocity = np.zeros(2)  # pixels a frame

    def cost(self, frame: int, seen: Seen) -> float:
        """Of taking *seen* for this person: how far it is from where they are expected, and how unlike them."""
        away = frame - self.last
        if away > EXPECTED_FRAMES:
            place = RETURN_COST if self._in_reach(seen.box, away) else NEVER
        else:
            shared = overlap(self.boxes[self.last].moved(self._velocity * away), seen.box)
            place = 1 - shared if shared >= LEAST_OVERLAP else NEVER
        return place if place == NEVER else place + unlike(self._recent, seen.appearance)

    def go_on(self, frame: int, seen: Seen) -> None:
        step = (seen.box.middle - self.boxes[self.last].middle) / (frame - self.last)
        self._velocity = STEADY * self._velocity + (1 - STEADY) * step
        self.boxes[frame], self.last = seen.box, frame
        if seen.alone:
            self._looks += 1
            self._recent = mixed(self._recent, seen.appearance, LEARN)
            self._usual = mixed(self._usual, seen.appearance, 1 / self._looks)

    def return_cost(self, other: Walker) -> float:
        """Of taking *other* for this person, who came back: how unlike they are on the whole."""
        away = other.first - self.last
        if away <= 0 or not self._in_reach(other.boxes[other.first], away):
            return NEVER
        return unlike(self._usual, other._usual)

    def _in_reach(self, box: Person, away: int) -> bool:
        far = np.abs(box.middle - self.boxes[self.last].middle).max()
        return bool(far <= (AT_ONCE + FASTEST * away) * box.longer_side)
