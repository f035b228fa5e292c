"""A clip of its own whose face drives the expression: an actor filmed from the front, say, while another one dances."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..errors import PassMissing
from ..types import FrameSource
from .face import Edges
from .motion.found import FoundMotion
from .nets import NetFolder
from .perceive import FoundPerson
from .sources import Each, FaceCrops, Indexed


class FaceClip:
    """The face of who takes up most of *clip*, *rate* frames a second: steadied crops, found as they are read."""

    def __init__(
        self, clip: FrameSource, rate: Fraction, nets: NetFolder, *, reference_bgr: bool = False
    ) -> None:
        self._clip = clip
        self._person = FoundPerson(clip, nets, cuts=False, needed=False, reference_bgr=reference_bgr)
        self._motion = FoundMotion(self._person, rate)

    @property
    def boxes(self) -> Indexed[Edges | None]:
        return Each(lambda index: self._motion.face_crops[index], len(self._person))

    def crops(self, size_px: int) -> FrameSource:
        """Square pictures; black where no face is to be seen."""
        return FaceCrops(self._clip, self.boxes, size_px)

    def look(self) -> Iterator[str]:
        """Looks at all frames and yields after each which it was; raises PassMissing if none shows a face."""
        yield from self._person.look()
        if not any(box is not None for box in self._motion.face_crops):
            raise PassMissing(
                f"No face was found in any of the {len(self._person)} frames of the face clip. Choose one that shows "
                "the face from the front, or leave it out.",
                frames=len(self._person),
            )
