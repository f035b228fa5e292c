"""The passes of one role as the model reads them: streams at its size, read at any place and never held whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMissing
from ..types import FrameSource
from .face_clip import FaceClip
from .following import Retargeted
from .keypoints import Points
from .matte import Matte
from .perceive import FoundPerson
from .plate import PlateMatte
from .sources import Indexed


@dataclass(frozen=True, slots=True)
class Passes:
    """What the model reads of a shot. Frame 0 is the first of the requested range, which all streams span."""

    pose: FrameSource  # skeletons on the canvas
    faces: FrameSource  # square face crops; black where no face is to be seen
    background: FrameSource  # Replace: the plate on the canvas without the person; Animate: black
    matte: PlateMatte | None  # Replace only
    warnings: tuple[str, ...] = ()
    person: FoundPerson | None = None  # whom the streams above find in the clip as they are read
    retargeted: Retargeted | None = None  # what `pose` draws, with the character's proportions
    points: Indexed[Points] | None = None  # (133, 3) in pixels of the clip, where they are known
    face_clip: FaceClip | None = None  # whose faces `faces` finds in a clip of their own
    settings: Mapping[str, Any] = field(default_factory=dict)  # what files add to the plan's
    noticed: Callable[[], Sequence[str]] = tuple  # warnings about what was found: looks through the clip

    def matte_model(self, indices: Sequence[int]) -> NDArray[np.bool_]:
        """(len(indices), H, W) on the canvas, True = made by the model."""
        return self._matte().model(indices)

    def matte_plate(self, index: int) -> Matte:
        """(h, w) uint8 at plate size, 255 = to be composited, but for what is kept: `matte_grown` without what is
        another role's."""
        return self._matte().plate(index)

    def matte_grown(self, index: int) -> Matte:
        """(h, w) uint8 at plate size, 255 = made by the model, but for what is kept."""
        return self._matte().grown(index)

    def kept(self, index: int) -> Matte | None:
        """(h, w) uint8 at plate size: how much of the plate stays, whatever the matte shows; 255 = all. None: none."""
        return self._matte().kept(index)

    def refuse_discarded(self) -> None:
        """Raises MatteEmpty if a garbage mask leaves nothing of the matte that was found."""
        if self.matte is not None and self.matte.has_garbage and self.person is not None:
            self.matte.refuse_empty()

    def _matte(self) -> PlateMatte:
        if self.matte is None:
            raise PassMissing("Animate has no matte: the whole picture is made by the model.")
        return self.matte
