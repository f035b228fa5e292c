"""The looks through a clip: who is there, one person's points, their matte. Each yields after every frame.

Together they find what `perceive.FoundPerson` finds, to the bit; they are apart so that each can be kept by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..preprocess.detect import DetectsPeople, Person
from ..preprocess.estimate import PoseEstimator
from ..preprocess.first_look import FirstLook
from ..preprocess.keypoints import POINTS
from ..preprocess.mattes import FindsMattes, KeptMatte, Shown
from ..preprocess.overlapped import Rgb, overlapped
from ..preprocess.people.cast import Cast
from ..preprocess.perceive import Sighting, with_scores
from ..types import FrameRange, FrameSize, FrameSource

Points = NDArray[np.floating[Any]]
Boxes = Mapping[int, Person]
T = TypeVar("T")


def first_look(
    clip: FrameSource, detector: DetectsPeople, *, at_once: int = 1
) -> Generator[None, None, Cast]:
    """Everybody in *clip*. Memory: one KB a frame and person, and the frames looked at side by side, *at_once*."""
    around = FirstLook(clip)
    survey = around.survey()
    for _ in around.look(detector, at_once=at_once):
        yield
    return survey.cast()


def look_for_points(
    clip: FrameSource, boxes: Boxes, pose: PoseEstimator, *, reference_bgr: bool, at_once: int = 1
) -> Generator[None, None, NDArray[np.float32]]:
    """(T, 133, 3) as the net gives them; 0 in frames without a box. Memory: 1.6 KB a frame, and as `first_look`."""
    points = np.zeros((len(clip), POINTS, 3), np.float32)

    def find(index: int, rgb: Rgb) -> Points:
        return pose.find(rgb, boxes[index], reference_bgr=reference_bgr)

    for index, found in _in_boxes(clip, boxes, find, at_once):
        if found is not None:
            points[index] = found
        yield
    return points


def look_for_mattes(
    clip: FrameSource,
    boxes: Boxes,
    points: Points,
    shots: Sequence[FrameRange],
    net: FindsMattes,
    *,
    at_once: int = 1,
) -> Generator[None, None, list[KeptMatte | None]]:
    """One a frame; None where nothing of the person is seen. Memory: about 5 KB a frame, and what *net* takes."""

    def shown(index: int) -> Shown | None:
        if index not in boxes:
            return None
        return Shown(clip.read([index])[0], boxes[index], points[index])

    alone = net.alone()
    follows = alone or net.through(shots, shown)

    def find(index: int, rgb: Rgb) -> KeptMatte | None:
        return follows.find(index, Shown(rgb, boxes[index], points[index]))

    found: list[KeptMatte | None] = []
    for _, matte in _in_boxes(clip, boxes, find, at_once if alone else 1):
        found.append(matte)
        yield
    return found


def _in_boxes(
    clip: FrameSource, boxes: Boxes, find: Callable[[int, Rgb], T], at_once: int
) -> Iterator[tuple[int, T | None]]:
    """Every frame, with what *find* makes of those that have a box."""
    with closing(overlapped(clip, find, (k for k in range(len(clip)) if k in boxes), at_once)) as found:
        for index in range(len(clip)):
            yield index, next(found) if index in boxes else None


@dataclass(frozen=True)
class KeptPerson:
    """What `FoundMotion` needs of a person whose points were kept: the net's *raw* (T, 133, 3).

    *there* (T,): which frames show the person.
    """

    size: FrameSize
    raw: NDArray[np.float32]
    there: NDArray[np.bool_]
    shots: Sequence[FrameRange]

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, index: int, /) -> Sighting:
        points = self.raw[index]
        return Sighting(with_scores(points) if self.there[index] else np.zeros_like(points), None)

    def absent(self) -> list[int]:
        return [index for index in range(len(self)) if not self[index].points[:, 2].any()]

    def cuts(self) -> list[int]:
        return [shot.start for shot in self.shots][1:]
