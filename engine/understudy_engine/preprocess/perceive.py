"""The person of a clip whose passes nobody supplied: who it is, their points and their matte, found frame by frame.

What was supplied wins and helps: points or a matte of the artist's say whom the rest is to be found of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMissing
from ..types import FrameSize, FrameSource, RgbFrames
from .detect import Person
from .follow import Follower
from .keypoints import POINTS
from .matte import CropMatte, Matte, binary
from .nets import NetFolder, Nets
from .pose import MIN_BOX_PX
from .sources import Indexed

Points = NDArray[np.floating[Any]]

SURE_SCORE = 0.4  # of a box: nano's detector gave people 0.65 and more, empty plates 0.37 and less
SURE_PEAK = 0.7  # of a heatmap: points outside the picture stay below half of it, which is also what is drawn
LEAST_INSIDE = 0.2  # of the box of a person whom a supplied matte means
SEEN_SCORE = 0.3  # of supplied points
AROUND_POINTS = 0.15  # points end at brows and knuckles, people do not: of the box's size, to each side


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one frame shows of the person. Points that are all of score 0: they are not there."""

    points: Points  # (133, 3) x, y in pixels of the clip, and a score
    matte: CropMatte | None


NOWHERE = Sighting(np.zeros((POINTS, 3), np.float32), None)


class FoundPerson:
    """One person through *clip*, whose frames are looked at in order, each once, as far as one is asked for.

    Memory: about 8 KB a frame, and one frame. Nothing is found twice, and the same clip gives the same person.

    Args:
        points: supplied ones, (133, 3) a frame in pixels of the clip; nobody is then looked for but the matte's.
        matte: gives a supplied one, (H, W); only who stands in it is looked at.
        cuts: a matte is wanted.
        needed: a clip without anybody is refused.
    """

    def __init__(
        self,
        clip: FrameSource,
        nets: NetFolder,
        *,
        points: Indexed[Points] | None = None,
        matte: Callable[[int], Matte] | None = None,
        cuts: bool,
        needed: bool = True,
    ) -> None:
        self._clip = clip
        self._folder = nets
        self._points = points
        self._matte = matte
        self._cuts = cuts
        self.needed = needed
        self._follower = Follower()
        self._last = NOWHERE.points  # where the person was seen last
        self._seen: list[Sighting] = []

    @property
    def size(self) -> FrameSize:
        return self._clip.size

    def __len__(self) -> int:
        return len(self._clip)

    def __getitem__(self, index: int) -> Sighting:
        while len(self._seen) <= index:
            self._seen.append(self._next(self._folder.load(), len(self._seen)))
        return self._seen[index]

    def look(self) -> Iterator[int]:
        """Looks at all frames; yields after each how many that were.

        Raises PassMissing in the end if the person is needed and no frame shows anybody.
        """
        for index in range(len(self)):
            self[index]
            yield index + 1
        if self.needed and len(self.absent()) == len(self):
            raise PassMissing(
                f"Nobody was found in any of the {len(self)} frames. Choose frames that show the person, or supply "
                "keypoints and, for Replace, a matte.",
                frames=len(self),
            )

    def absent(self) -> list[int]:
        """The frames in which the person is not to be seen."""
        return [index for index in range(len(self)) if self._is_absent(self[index])]

    def _is_absent(self, seen: Sighting) -> bool:
        return not seen.points[:, 2].any() or (self._cuts and seen.matte is None)

    def _next(self, nets: Nets, index: int) -> Sighting:
        rgb = self._clip.read([index])[0]
        person = self._who(nets, rgb, index)
        if person is None:
            return NOWHERE
        points = nets.pose.find(rgb, person) if self._points is None else self._points[index]
        self._last = points
        matte = nets.matte.find(rgb, person, points) if self._cuts else None
        if self._points is not None:
            return Sighting(points, matte)
        return NOWHERE if self._cuts and matte is None else Sighting(_with_scores(points), matte)

    def _who(self, nets: Nets, rgb: NDArray[np.uint8], index: int) -> Person | None:
        if self._points is not None:
            return box_around(self._points[index], self.size)
        people = [person for person in nets.detector.find(rgb) if is_sure(person)]
        if self._matte is not None:
            people = standing_in(self._matte(index), people)
        return self._follower.next(people, lambda person: apart(nets.pose.find(rgb, person), self._last))


class FoundMattes:
    """The found person's mattes at the clip's size, as pictures."""

    def __init__(self, person: FoundPerson) -> None:
        self.size = person.size
        self._person = person

    def __len__(self) -> int:
        return len(self._person)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        frames = np.zeros((len(indices), self.size.height, self.size.width, 3), np.uint8)
        for frame, index in zip(frames, indices, strict=True):
            matte = self._person[index].matte
            if matte is not None:
                frame[:] = matte.laid_back(self.size)[..., None]
        return frames


def is_sure(person: Person) -> bool:
    return person.score >= SURE_SCORE and min(person.x1 - person.x0, person.y1 - person.y0) >= MIN_BOX_PX


def _with_scores(points: Points) -> Points:
    """Heatmaps' peaks as the scores that everything else knows: about 1 for a sure point, never more."""
    scores = (points[:, 2:] / np.float32(SURE_PEAK)).clip(0, 1)
    return np.concatenate([points[:, :2], scores], axis=1)


def apart(points: Points, others: Points) -> float:
    """How far two sets of (133, 3) lie apart, in pixels, on average over those that both are sure of."""
    weights = np.minimum(points[:, 2], others[:, 2]).clip(0)
    distances = np.linalg.norm(points[:, :2] - others[:, :2], axis=1)
    return float((distances * weights).sum() / max(float(weights.sum()), 1e-6))


def box_around(points: Points, size: FrameSize) -> Person | None:
    """A person's box from their (133, 3) points in a frame of *size*; None where no point is to be seen."""
    seen = points[points[:, 2] >= SEEN_SCORE, :2]
    if not len(seen):
        return None
    low, high = seen.min(axis=0), seen.max(axis=0)
    more = AROUND_POINTS * (high - low)
    x0, y0 = np.maximum(low - more, 0).tolist()
    x1, y1 = np.minimum(high + more, size).tolist()
    return Person(x0, y0, x1, y1, 1.0) if min(x1 - x0, y1 - y0) >= MIN_BOX_PX else None


def standing_in(matte: Matte, people: Sequence[Person]) -> list[Person]:
    """Those whose boxes *matte* (H, W) fills as a person fills theirs."""
    inside = binary(matte)
    return [
        person
        for person in people
        if inside[int(person.y0) : int(person.y1), int(person.x0) : int(person.x1)].sum()
        >= LEAST_INSIDE * person.area
    ]
