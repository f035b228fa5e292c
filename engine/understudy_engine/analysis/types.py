"""What an analysis is asked, what happens in it, and what it hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..preprocess.detect import Person
from ..preprocess.people.cast import Cast
from ..types import Choice, FrameRange, FrameSize, Largest, Warned


class Pass(StrEnum):
    """What is found, in this order. The value is what its entry in the store is called."""

    PEOPLE = "people"  # everybody, followed through each shot, and the shots
    POINTS = "points"  # the chosen person's 133 points, as the net gives them
    MATTE = "matte"  # the chosen person's
    PAINTED = "painted"  # the matte, where frames of it were given
    MOTION = "motion"  # their points without tremble, corrected, and the crops of their face


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRequest:
    """*person* and *corrections* mean what they mean in a SwapRequest.

    *own_points*, (133, 3) in pixels of the clip, take the place of what is found in frames of the clip; all of score 0:
    the person is not there. *own_mattes*: a folder of pictures of the clip's size, white = the person, each named by
    its frame of the clip ("00000012.png").
    """

    clip: Path
    frames: FrameRange | None = None  # None = the whole clip
    person: Choice = field(default_factory=Largest)
    matte: bool = True  # without one the passes are those that Animate would find
    corrections: Path | None = None
    reference_bgr: bool = False
    own_points: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    own_mattes: Path | None = None


@dataclass(frozen=True, slots=True)
class Looking:
    """Frame *frame* of *frames* (1-based) has been looked at for a pass."""

    name: Pass
    frame: int
    frames: int


@dataclass(frozen=True, slots=True)
class PassDone:
    name: Pass
    reused: bool  # it was in the store


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Who is in the clip; the chosen one's passes are still to come."""

    cast: Cast
    frames: FrameRange  # of the clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Frames count from the start of *frames*, but for those of `frames` itself.

    *keypoints*, *face_boxes* and *matte* lie in the store, and are PassFiles for a job of the same clip and range: it
    makes the same pixels as if it had found them, in Replace with a matte and in Animate without one.
    """

    clip: Path
    clip_sha256: str
    frames: FrameRange  # of the clip
    size: FrameSize
    rate: Fraction | None  # None: the clip is of pictures
    cast: Cast
    boxes: Mapping[int, Person]  # of the chosen person, by rising frame
    keypoints: Path
    face_boxes: Path
    matte: Path | None

    @property
    def chosen(self) -> tuple[str, ...]:
        """Their names: one, or one for each shot."""
        own = self.boxes.items()
        return tuple(m.name for m in self.cast.members if any(m.boxes.get(k) == box for k, box in own))


@dataclass(frozen=True, slots=True)
class Analysed:
    analysis: Analysis


AnalysisEvent = Looking | PassDone | Surveyed | Warned | Analysed
