"""The looks through a clip: who is there, one person's points, their matte. Each yields after every frame.

Together they find what `perceive.FoundPerson` finds, to the bit; they are apart so that each can be kept by itself.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..preprocess.detect import DetectsPeople, Person
from ..preprocess.estimate import PoseEstimator
from ..preprocess.keypoints import POINTS
from ..preprocess.mattes import FindsMattes, KeptMatte, Shown
from ..preprocess.people.cast import Cast
from ..preprocess.people.survey import Survey
from ..preprocess.perceive import Sighting, with_scores
from ..types import FrameRange, FrameSize, FrameSource

Points = NDArray[np.floating[Any]]
Boxes = Mapping[int, Person]


def look_around(clip: FrameSource, detector: DetectsPeople) -> Generator[None, None, Cast]:
    """Everybody in *clip*. Memory: one KB a frame and person, and one frame."""
    survey = Survey()
    for index in range(len(clip)):
        rgb = clip.read([index])[0]
        survey.see(rgb, detector.find(rgb))
        yield
    return survey.cast()


def look_for_points(
    clip: FrameSource, boxes: Boxes, pose: PoseEstimator, *, reference_bgr: bool
) -> Generator[None, None, NDArray[np.float32]]:
    """(T, 133, 3) as the net gives them; 0 in frames without a box. Memory: 1.6 KB a frame, and one frame."""
    points = np.zeros((len(clip), POINTS, 3), np.float32)
    for index in range(len(clip)):
        if index in boxes:
            rgb = clip.read([index])[0]
            points[index] = pose.find(rgb, boxes[index], reference_bgr=reference_bgr)
        yield
    return points


def look_for_mattes(
    clip: FrameSource, boxes: Boxes, points: Points, shots: Sequence[FrameRange], net: FindsMattes
) -> Generator[None, None, list[KeptMatte | None]]:
    """One a frame; None where nothing of the person is seen. Memory: about 5 KB a frame, and what *net* takes."""

    def shown(index: int) -> Shown | None:
        if index not in boxes:
            return None
        return Shown(clip.read([index])[0], boxes[index], points[index])

    follows = net.through(shots, shown)
    found: list[KeptMatte | None] = []
    for index in range(len(clip)):
        seen = shown(index)
        found.append(None if seen is None else follows.find(index, seen))
        yield
    return found


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
