"""A found person through the whole clip: points without tremble, and the face's crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...types import FrameSize
from ..face import Edges
from .corrections import Corrections, put_right
from .faces import face_track
from .smooth import smooth


class Located(Protocol):
    """One frame's (133, 3) points of a person, all of score 0 where they are not there."""

    @property
    def points(self) -> NDArray[np.floating[Any]]: ...


class Followed(Protocol):
    """A person through a clip: `perceive.FoundPerson`, or what was kept of one."""

    @property
    def size(self) -> FrameSize: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Located: ...

    def cuts(self) -> Sequence[int]:
        """The first frame of each shot but the first."""
        ...


class FoundMotion:
    """Of *person*, in pixels of their clip, at *rate* frames a second: made of all frames when it is first asked for.

    *own*, (133, 3) of the frames that somebody gave instead of what was found, and *corrections*, in the same pixels,
    hold exactly: they come behind the smoothing.

    Memory: 3 KB a frame, and what `smooth` takes while they are made.
    """

    def __init__(
        self,
        person: Followed,
        rate: Fraction,
        corrections: Corrections | None = None,
        own: Mapping[int, NDArray[np.float32]] | None = None,
    ) -> None:
        self._own = own or {}
        self._person = person
        self._rate = rate
        self._corrections = corrections

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """(T, 133, 3). Gaps are filled where the person is there; frames without them stay empty."""
        points = smooth(self._detected, self._rate, cuts=self._person.cuts()).points
        points[self._absent] = 0
        for index, own in self._own.items():
            points[index] = own
        return self._put_right(points)

    @cached_property
    def face_crops(self) -> list[Edges | None]:
        points = self._put_right(self._detected)
        track = face_track(points, self._person.size, self._rate, cuts=self._person.cuts())
        return [None if absent else crop for crop, absent in zip(track.crops, self._absent, strict=True)]

    def _put_right(self, points: NDArray[Any]) -> NDArray[Any]:
        if self._corrections is None:
            return points
        cuts = self._person.cuts()
        right = put_right(points, self._corrections, self._rate, cuts=cuts, empty=self._absent)
        set_by_hand = {(item.frame, item.point) for item in self._corrections.items}
        for index, own in self._own.items():  # corrections of other frames are not carried into them
            kept = [point for point in range(len(own)) if (index, point) not in set_by_hand]
            right[index, kept] = own[kept]
        return right

    @cached_property
    def _absent(self) -> NDArray[np.bool_]:
        return np.asarray(~self._detected[..., 2].any(axis=1))

    @cached_property
    def _detected(self) -> NDArray[np.floating[Any]]:
        found = (self._person[index].points for index in range(len(self._person)))
        return np.stack([self._own.get(index, points) for index, points in enumerate(found)])
