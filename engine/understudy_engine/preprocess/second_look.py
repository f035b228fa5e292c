"""The second look: points and matte of one person in one frame, while it is at hand, several frames side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .detect import Person
from .mattes import FollowsMatte, KeptMatte, Shown
from .nets import Nets
from .people.survey import sure_people
from .pose import crop_person

Points = NDArray[np.floating[Any]]


class Near(NamedTuple):
    """What a second look at *person* has found."""

    person: Person
    points: Points  # (133, 3) as the net gives them, or as they were supplied
    matte: KeptMatte | None  # None as well where none is wanted
    is_all: (
        bool  # nothing else is to be found in the frame: the matte net does not look at frames in their order
    )


class SecondLook:
    """Looks with nets that bear several frames at a time.

    Args:
        cuts: mattes are wanted too.
        reference_bgr: as in `pose.crop_person`.
    """

    def __init__(self, nets: Nets, *, cuts: bool, reference_bgr: bool) -> None:
        self._nets = nets
        self._cutter: FollowsMatte | None = nets.matte.alone() if cuts else None
        self.is_all = self._cutter is not None or not cuts
        self._reference_bgr = reference_bgr

    def look(self, index: int, rgb: NDArray[np.uint8], person: Person, points: Points | None = None) -> Near:
        crop = None
        if points is None:
            crop = crop_person(rgb, np.array(person), reference_bgr=self._reference_bgr)
            points = self._nets.pose.find_in(crop)
        shown = Shown(rgb, person, points, None if self._reference_bgr else crop)
        return Near(person, points, self._cutter.find(index, shown) if self._cutter else None, self.is_all)


class Foresight:
    """Looks closer at who is largest in each frame, which most often is whom the clip turns out to be about.

    The frame then need not be read again. Memory: 7 KB a frame.
    """

    def __init__(self, look: SecondLook) -> None:
        self._second_look = look
        self._near: dict[int, Near] = {}

    def see(self, index: int, rgb: NDArray[np.uint8], people: Sequence[Person]) -> None:
        sure = sure_people(people)
        if sure:
            largest = max(sure, key=lambda person: person.area)
            self._near[index] = self._second_look.look(index, rgb, largest)

    def of(self, boxes: Mapping[int, Person]) -> dict[int, Near]:
        """What was seen of the person in *boxes*; the rest is forgotten."""
        near, self._near = self._near, {}
        return {
            index: near[index] for index, box in boxes.items() if index in near and near[index].person == box
        }
