"""The first look through a clip: everybody is found and followed, for whoever asks afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import numpy as np

from ..types import FrameSize, FrameSource, RgbFrames
from .detect import DetectsPeople, Person
from .matte import Matte, binary
from .overlapped import Rgb, overlapped
from .people.survey import Survey

LEAST_INSIDE = 0.2  # of the box of a person whom a supplied matte means

MatteAt = Callable[[int], Matte]
AlsoSees = Callable[[int, Rgb, Sequence[Person]], None]


class FirstLook:
    """Looks at the frames of *clip* in order, once, for several surveys. Memory: theirs; no picture is kept."""

    def __init__(self, clip: FrameSource) -> None:
        self.clip = clip
        self._surveys: list[tuple[Survey, MatteAt | None]] = []
        self._seen = 0

    def survey(self, matte: MatteAt | None = None) -> Survey:
        """Of everybody, one for all who ask; or of those who stand in a *matte* (H, W). Ask before the look begins."""
        if self._seen:
            raise ValueError("the look has begun without this survey")
        for survey, theirs in self._surveys:
            if matte is None and theirs is None:
                return survey
        self._surveys.append((Survey(), matte))
        return self._surveys[-1][0]

    def look(
        self, detector: DetectsPeople, *, at_once: int = 1, also: AlsoSees | None = None
    ) -> Iterator[int]:
        """Looks at what is left; yields after each frame how many were seen.

        *at_once* frames are looked at side by side, and *also* shown to somebody else.
        """

        def people_in(index: int, rgb: Rgb) -> tuple[Rgb, list[Person]]:
            people = detector.find(rgb)
            if also is not None:
                also(index, rgb, people)
            return rgb, people

        left = range(self._seen, len(self.clip))
        with closing(overlapped(self.clip, people_in, left, at_once)) as found:
            for index, (rgb, people) in zip(left, found, strict=True):
                for survey, matte in self._surveys:
                    survey.see(rgb, people if matte is None else standing_in(matte(index), people))
                self._seen = index + 1
                yield self._seen


class LastRead:
    """*source*, whose last single frame is kept: who reads it next need not decode it again."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._index = -1
        self._frame: RgbFrames | None = None  # (1, H, W, 3)

    @property
    def size(self) -> FrameSize:
        return self._source.size

    def __len__(self) -> int:
        return len(self._source)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        if len(indices) != 1:
            return self._source.read(indices)
        if self._frame is None or self._index != indices[0]:
            self._index, self._frame = indices[0], self._source.read(indices)
        return self._frame


def standing_in(matte: Matte, people: Sequence[Person]) -> list[Person]:
    """Those whose boxes *matte* (H, W) fills as a person fills theirs."""
    inside = binary(matte)
    return [
        person
        for person in people
        if np.sum(inside[int(person.y0) : int(person.y1), int(person.x0) : int(person.x1)])
        >= LEAST_INSIDE * person.area
    ]
