"""The person of a clip whose passes nobody supplied: who it is, their points and their matte.

A first look through the clip follows everybody, since only the whole of it tells who takes up most of it; a second
one finds points and matte of the chosen person. What was supplied wins and helps: points or a matte of the artist's
say whom the rest is to be found of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMissing
from ..types import Choice, FrameRange, FrameSize, FrameSource, Largest, RgbFrames
from ..weights.net_files import Net
from .detect import Person, box_around, nearest_person
from .first_look import FirstLook
from .keypoints import POINTS
from .matte import Matte
from .mattes import FollowsMatte, KeptMatte, Shown
from .memory import RemembersShot
from .nets import NetFolder, Nets
from .overlapped import Rgb, overlapped
from .people.cast import Cast
from .people.choose import choose
from .people.survey import Survey, sure_people
from .second_look import Foresight, Near, SecondLook
from .sources import Indexed
from .together import look_together

Points = NDArray[np.floating[Any]]

SURE_PEAK = 0.7  # of a heatmap: points outside the picture stay below half of it, which is also what is drawn


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

    Memory: about 10 KB a frame, and the frames that are looked at side by side. Nothing is found twice, and the same
    clip gives the same person.

    Args:
        who: whom of several people; whoever is in it where a matte is supplied.
        points: supplied ones, (133, 3) a frame in pixels of the clip; nobody is then looked for but the matte's.
        matte: gives a supplied one, (H, W); only who stands in it is looked at.
        cuts: a matte is wanted.
        needed: a clip without anybody is refused.
        start: which frame of the whole clip the first of *clip* is; a click counts those.
        reference_bgr: the pose net sees red and blue swapped, as the reference's does.
        memory: of what was found in *clip* before; goes without *points* and *matte*.
        around: of *clip*, where other roles look for people in it too.
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
        memory: RemembersShot | None = None,
        around: FirstLook | None = None,
    ) -> None:
        self._memory = memory
        self._clip = clip
        self._folder = nets
        self._who = who
        self._points = points
        self._cuts = cuts
        self.needed = needed
        self._start = start
        self._reference_bgr = reference_bgr
        self._around = around or FirstLook(clip)
        self._is_plain = around is None and points is None and matte is None and who == LARGEST
        # Who brings points does not look around, and must not know more where others do.
        self._survey = self._around.survey(matte) if points is None else Survey()
        self._cast: Cast | None = None  # once the clip was surveyed, or if it was before
        self._boxes: Mapping[int, Person] | None = None  # of the chosen person, once the clip was surveyed
        self._seen: list[Sighting] = []
        self.is_known = False  # all of it was found before
        self._ahead: dict[int, Points] = {}  # found, of frames whose turn is to come; of all to be remembered
        self._cut_out: dict[int, KeptMatte | None] = {}  # mattes, of frames whose turn is to come
        self._foresight: Foresight | None = None
        self._mattes: FollowsMatte | None = None

    @property
    def size(self) -> FrameSize:
        return self._clip.size

    def __len__(self) -> int:
        return len(self._clip)

    @property
    def seen(self) -> int:
        """How many frames need no look any more."""
        return len(self._seen)

    def __getitem__(self, index: int) -> Sighting:
        while len(self._seen) <= index:
            self._seen.append(self._next(self._nets(), len(self._seen)))
        return self._seen[index]

    def look(self) -> Iterator[str]:
        """Looks at all frames, twice where people have to be told apart; yields after each which it was.

        Raises PassMissing if nobody is there who was chosen, or, where the person is needed, if no frame shows anybody.
        """
        yield from look_together({0: self})

    def refuse_nobody(self) -> None:
        """Raises PassMissing where somebody is needed."""
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
        if self._cast is None:
            for _ in self.first_look():
                pass
            self._cast = self._survey.cast()
            if self._memory is not None:
                self._memory.keep_cast(self._cast)
        return self._cast

    def cuts(self) -> list[int]:
        """The first frame of each shot but the first, as far as the clip was looked through for people."""
        return self._survey.cuts() if self._cast is None else [shot.start for shot in self._cast.shots][1:]

    def first_look(self) -> Iterator[int]:
        """Yields after each frame how many were surveyed; nothing where it is known who is there, or who is meant."""
        if self._points is None and self._cast is None:
            also = None
            if self._is_plain:
                self._foresight = self._foresight or Foresight(self._new_second_look())
                also = self._foresight.see
            yield from self._around.look(self._nets().detector, at_once=self._folder.at_once, also=also)

    def chosen(self) -> Mapping[int, Person] | None:
        """Where the chosen person is, of the frames that show them; None where points say that."""
        return None if self._points is not None else self._chosen()

    def _chosen(self) -> Mapping[int, Person]:
        if self._boxes is None:
            self._boxes = choose(self.cast(), self._who, start=self._start)
            if self._foresight is not None:
                for index, near in self._foresight.of(self._boxes).items():
                    self._take(index, near)
        return self._boxes

    def refuse_bad_nets(self) -> None:
        """Raises what `NetFolder.load` raises, where a net has to look."""
        if len(self._seen) < len(self):
            self._nets()

    def _nets(self) -> Nets:
        """Those that have to look: all of them at once, so that a bad one is known before the first frame."""
        finds_points = [Net.DETECTOR, Net.POSE] if self._points is None else []
        return self._folder.load([*finds_points, *([Net.MATTE] if self._cuts else [])])

    # ---- What was found before

    def recall(self) -> bool:
        """Takes what is known: who is there, the chosen one's points, their mattes. Whether that is anything."""
        memory = self._memory
        if memory is None or self._cast is not None:
            return False
        self._cast = memory.cast()
        if self._cast is None:
            return False
        points = memory.points(self._chosen())
        if points is not None:
            self._ahead = {index: points[index] for index in self._chosen()}
            mattes = memory.mattes() if self._cuts else [None] * len(self)
            if mattes is not None:
                self._seen = [self._sighting(index, matte) for index, matte in enumerate(mattes)]
                self.is_known = True
        return True

    def _sighting(self, index: int, matte: KeptMatte | None) -> Sighting:
        if index not in self._ahead or (self._cuts and matte is None):
            return NOWHERE
        return Sighting(with_scores(self._ahead[index]), matte)

    def keep(self) -> None:
        """For the next time, where that is wanted and something was found anew."""
        if self._memory is None or self.is_known:
            return
        points = np.zeros((len(self), POINTS, 3), np.float32)
        for index, found in self._ahead.items():
            points[index] = found
        mattes = [sighting.matte for sighting in self._seen] if self._cuts else None
        self._memory.keep_person(self._chosen(), points, mattes)

    def let_go(self) -> None:
        """Of what nets remember of the clip, once all of it was looked at."""
        self._mattes = self._foresight = None

    # ---- The chosen person

    def second_look(self) -> Iterator[int]:
        """Looks at the frames that are left, side by side where the nets bear it; yields after each which it was."""
        left = range(len(self._seen), len(self))
        unseen = {index for index in left if self.place(index) is not None and index not in self._cut_out}
        look = self._new_second_look() if unseen else None
        if look is None or not look.is_all:
            unseen = set()

        def near(index: int, rgb: Rgb) -> Near:
            person = self.place(index)
            assert look is not None
            assert person is not None
            known = self._ahead.get(index) if self._points is None else self._points[index]
            return look.look(index, rgb, person, known)

        with closing(overlapped(self._clip, near, sorted(unseen), self._folder.at_once)) as found:
            for index in left:
                if index in unseen:
                    self._take(index, next(found))
                self[index]
                yield index

    def _new_second_look(self) -> SecondLook:
        return SecondLook(self._nets(), cuts=self._cuts, reference_bgr=self._reference_bgr)

    def _take(self, index: int, near: Near) -> None:
        if self._points is None:
            self._ahead[index] = near.points
        if near.is_all:
            self._cut_out[index] = near.matte

    def _next(self, nets: Nets, index: int) -> Sighting:
        if self.place(index) is None:
            return NOWHERE
        if index in self._cut_out:
            matte = self._cut_out.pop(index)
        else:
            shown = self._shown(nets, index)
            matte = self._follow(nets).find(index, shown) if shown is not None and self._cuts else None
        if self._points is not None:
            return Sighting(self._points[index], matte)
        seen = self._sighting(index, matte)
        if self._memory is None:
            self._ahead.pop(index)
        return seen

    def _shown(self, nets: Nets, index: int) -> Shown | None:
        """The person in frame *index*, with points as they were supplied, or as the net gives them."""
        person = self.place(index)
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

    def place(self, index: int) -> Person | None:
        """The person's box in frame *index*; None: they are not there."""
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
    people = found.detector.find(rgb)
    person = nearest_person(sure_people(people) or people[:1])  # a drawn figure need not be sure
    if person is None:
        return None
    return with_scores(found.pose.find(rgb, person, reference_bgr=reference_bgr))


def with_scores(points: Points) -> Points:
    """Heatmaps' peaks as the scores that everything else knows: about 1 for a sure point, never more."""
    scores = (points[:, 2:] / np.float32(SURE_PEAK)).clip(0, 1)
    return np.concatenate([points[:, :2], scores], axis=1)
