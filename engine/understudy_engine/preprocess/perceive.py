"""The person of a clip whose passes nobody supplied: who it is, their points and their matte.

A first look through the clip follows everybody, since only the whole of it tells who takes up most of it; a second
one finds points and matte of the chosen person. What was supplied wins and helps: points or a matte of the artist's
say whom the rest is to be found of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMissing
from ..types import Choice, FrameRange, FrameSize, FrameSource, Largest, RgbFrames
from ..weights.net_files import Net
from .detect import Person, nearest_person
from .keypoints import POINTS
from .matte import Matte, binary
from .mattes import FollowsMatte, KeptMatte, Shown
from .nets import NetFolder, Nets
from .people.cast import Cast
from .people.choose import choose
from .people.survey import Survey
from .pose import MIN_BOX_PX
from .sources import Indexed

Points = NDArray[np.floating[Any]]

SURE_PEAK = 0.7  # of a heatmap: points outside the picture stay below half of it, which is also what is drawn
LEAST_INSIDE = 0.2  # of the box of a person whom a supplied matte means
SEEN_SCORE = 0.3  # of supplied points
AROUND_POINTS = 0.15  # points end at brows and knuckles, people do not: of the box's size, to each side


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one frame shows of the person. Points that are all of score 0: they are not there."""

    points: Points  # (133, 3) x, y in pixels of the clip, and a score
    matte: KeptMatte | None


LARGEST = Largest()
NOWHERE = Sighting(np.zeros((POINTS, 3), np.float32), None)


class FoundPerson:
    """One person through *clip*, whose frames are looked at in order: all of them once, to see who is there and
    where, then those that show the person, as far as they are asked for.

    Memory: about 10 KB a frame, and one frame. Nothing is found twice, and the same clip gives the same person.

    Args:
        who: whom of several people; whoever is in it where a matte is supplied.
        points: supplied ones, (133, 3) a frame in pixels of the clip; nobody is then looked for but the matte's.
        matte: gives a supplied one, (H, W); only who stands in it is looked at.
        cuts: a matte is wanted.
        needed: a clip without anybody is refused.
        start: which frame of the whole clip the first of *clip* is; a click counts those.
        reference_bgr: the pose net sees red and blue swapped, as the reference's does.
    """

    def __init__(
        self,
        clip: FrameSource,
        nets: NetFolder,
        *,
        who: Choice = LARGEST,
        points: Indexed[Points] | None = None,
        matte: Callable[[int], Matte] | None = None,
        cuts: bool,
        needed: bool = True,
        start: int = 0,
        reference_bgr: bool = False,
    ) -> None:
        self._clip = clip
        self._folder = nets
        self._who = who
        self._points = points
        self._matte = matte
        self._cuts = cuts
        self.needed = needed
        self._start = start
        self._reference_bgr = reference_bgr
        self._survey = Survey()
        self._boxes: Mapping[int, Person] | None = None  # of the chosen person, once the clip was surveyed
        self._seen: list[Sighting] = []
        self._ahead: dict[int, Points] = {}  # of frames that a matte net wanted to see before their turn
        self._mattes: FollowsMatte | None = None

    @property
    def size(self) -> FrameSize:
        return self._clip.size

    def __len__(self) -> int:
        return len(self._clip)

    def __getitem__(self, index: int) -> Sighting:
        while len(self._seen) <= index:
            self._seen.append(self._next(self._nets(), len(self._seen)))
        return self._seen[index]

    def look(self) -> Iterator[str]:
        """Looks at all frames, twice where people have to be told apart; yields after each which it was.

        Raises PassMissing if nobody is there who was chosen, or, where the person is needed, if no frame shows anybody.
        """
        if self._points is None:
            yield from (f"first look, frame {seen} of {len(self)}" for seen in self._look_around())
            if not self._chosen():
                self._refuse_nobody()
                return
        for index in range(len(self)):
            self[index]
            yield f"frame {index + 1} of {len(self)}"
        if len(self.absent()) == len(self):
            self._refuse_nobody()

    def _refuse_nobody(self) -> None:
        if self.needed:
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

    # ---- Who is there

    def cast(self) -> Cast:
        """Everybody who may be chosen. Looks through what is left of the clip."""
        for _ in self._look_around():
            pass
        return self._survey.cast()

    def cuts(self) -> list[int]:
        """The first frame of each shot but the first, as far as the clip was looked through for people."""
        return self._survey.cuts()

    def _look_around(self) -> Iterator[int]:
        """Yields after each frame how many were surveyed."""
        detector = self._nets().detector
        for index in range(len(self._survey), len(self)):
            rgb = self._clip.read([index])[0]
            people = detector.find(rgb)
            self._survey.see(rgb, people if self._matte is None else standing_in(self._matte(index), people))
            yield index + 1

    def _chosen(self) -> Mapping[int, Person]:
        if self._boxes is None:
            self._boxes = choose(self.cast(), self._who, start=self._start)
        return self._boxes

    def _nets(self) -> Nets:
        """Those that have to look: all of them at once, so that a bad one is known before the first frame."""
        finds_points = [Net.DETECTOR, Net.POSE] if self._points is None else []
        return self._folder.load([*finds_points, *([Net.MATTE] if self._cuts else [])])

    # ---- The chosen person

    def _next(self, nets: Nets, index: int) -> Sighting:
        shown = self._shown(nets, index)
        if shown is None:
            return NOWHERE
        matte = self._follow(nets).find(index, shown) if self._cuts else None
        self._ahead.pop(index, None)
        if self._points is not None:
            return Sighting(shown.points, matte)
        return NOWHERE if self._cuts and matte is None else Sighting(with_scores(shown.points), matte)

    def _shown(self, nets: Nets, index: int) -> Shown | None:
        """The person in frame *index*, with points as they were supplied, or as the net gives them."""
        person = self._place(index)
        if person is None:
            return None
        rgb = self._clip.read([index])[0]
        if self._points is not None:
            return Shown(rgb, person, self._points[index])
        if index not in self._ahead:
            self._ahead[index] = self._found_points(nets, rgb, person)
        return Shown(rgb, person, self._ahead[index])

    def _follow(self, nets: Nets) -> FollowsMatte:
        if self._mattes is None:
            bounds = [0, *self.cuts(), len(self)]
            shots = [FrameRange(*shot) for shot in pairwise(bounds)]
            self._mattes = nets.matte.through(shots, lambda index: self._shown(nets, index))
        return self._mattes

    def _found_points(self, nets: Nets, rgb: NDArray[np.uint8], person: Person) -> Points:
        return nets.pose.find(rgb, person, reference_bgr=self._reference_bgr)

    def _place(self, index: int) -> Person | None:
        if self._points is not None:
            return box_around(self._points[index], self.size)
        return self._chosen().get(index)


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


def points_of_character(
    rgb: NDArray[np.uint8], nets: NetFolder, *, reference_bgr: bool = False
) -> Points | None:
    """(133, 3) of who is largest in the picture (H, W, 3), in its pixels; None: nobody is found."""
    found = nets.load((Net.DETECTOR, Net.POSE))
    person = nearest_person(found.detector.find(rgb))
    if person is None:
        return None
    return with_scores(found.pose.find(rgb, person, reference_bgr=reference_bgr))


def with_scores(points: Points) -> Points:
    """Heatmaps' peaks as the scores that everything else knows: about 1 for a sure point, never more."""
    scores = (points[:, 2:] / np.float32(SURE_PEAK)).clip(0, 1)
    return np.concatenate([points[:, :2], scores], axis=1)


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
