"""The skeletons that the character follows: the clip's, with other limbs, or moved onto the character's own body."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMissing
from ..types import FrameSize, LimbFactors
from .joints import MIN_SCORE
from .keypoints import Points, Skeleton, on_canvas, skeleton_of
from .nets import NetFolder
from .perceive import points_of_character
from .proportions import proportioned
from .retarget import Retarget, measure, moved
from .sizing import Fit
from .sources import Indexed

SHOULDERS = [2, 5]
REMEDY = "or follow the clip's proportions"


class OnCanvas:
    """*skeletons* in pixels of *fit*'s source, in pixels of its canvas."""

    def __init__(self, skeletons: Indexed[Skeleton], fit: Fit) -> None:
        self._skeletons, self._fit = skeletons, fit

    def __len__(self) -> int:
        return len(self._skeletons)

    def __getitem__(self, index: int, /) -> Skeleton:
        return Skeleton(*(on_canvas(part, self._fit) for part in self._skeletons[index]))


class WithLimbs:
    """Skeletons of (133, 3) *points* with other limbs, in the same pixels; all are made when one is asked for.

    Memory: 1.5 KB a frame.
    """

    def __init__(self, points: Indexed[Points], limbs: LimbFactors) -> None:
        self._points, self._limbs = points, limbs

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, index: int, /) -> Skeleton:
        return self._all[index]

    @cached_property
    def _all(self) -> Sequence[Skeleton]:
        clip = [skeleton_of(self._points[index]) for index in range(len(self._points))]
        return list(proportioned(clip, self._limbs))


class Retargeted:
    """Skeletons of (133, 3) *points* of a clip of *size* on the body of whom *picture* (H, W, 3) shows, in its pixels.

    The bodies are compared in the first frame that shows both shoulders: the reference's first frame, where it does.
    """

    def __init__(
        self,
        points: Indexed[Points],
        size: FrameSize,
        picture: NDArray[np.uint8],
        nets: NetFolder,
        limbs: LimbFactors,
        *,
        reference_bgr: bool = False,
    ) -> None:
        self._points, self._size, self._limbs = points, size, limbs
        self._picture, self._nets, self._reference_bgr = picture, nets, reference_bgr
        self._character: Points | None = None
        self._plan: Retarget | None = None

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, index: int, /) -> Skeleton:
        return moved(self.compare(), skeleton_of(self._points[index]))

    def find_character(self) -> Points:
        """(20, 3) of the character's body; raises PassMissing if the picture shows no shoulders. Looked for once."""
        if self._character is None:
            self._character = body_in(self._picture, self._nets, reference_bgr=self._reference_bgr)
        return self._character

    def compare(self) -> Retarget:
        """How the clip's body becomes the character's; raises PassMissing if either shows no shoulders."""
        if self._plan is None:
            size = FrameSize(self._picture.shape[1], self._picture.shape[0])
            body = self.find_character()
            self._plan = measure(self._first_body(), self._size, body, size, self._limbs)
        return self._plan

    def _first_body(self) -> Points:
        bodies = (skeleton_of(self._points[index]).body for index in range(len(self)))
        for body in bodies:
            if _shows_shoulders(body):
                return body
        raise PassMissing(
            f"None of the {len(self)} frames shows both shoulders of the person, so their body cannot be held against "
            f"the character's. Choose frames that do, {REMEDY}.",
            frames=len(self),
        )


def body_in(picture: NDArray[np.uint8], nets: NetFolder, *, reference_bgr: bool = False) -> Points:
    """(20, 3) of whom *picture* (H, W, 3) shows, in its pixels; raises PassMissing if it shows no shoulders."""
    points = points_of_character(picture, nets, reference_bgr=reference_bgr)
    body = None if points is None else skeleton_of(points).body
    if body is None or not _shows_shoulders(body):
        raise PassMissing(
            "Nobody with both shoulders was found in the character's picture, so its proportions are not known. Choose "
            f"a picture that shows the body from the front, {REMEDY}."
        )
    return body


def _shows_shoulders(body: Points) -> bool:
    return bool((body[SHOULDERS, 2] >= MIN_SCORE).all())
