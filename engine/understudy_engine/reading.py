"""What segments are made from, read one ahead where there is somebody to do it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from .aside import Aside, Task
from .diffusion.conditioning import SegmentMaterial
from .model.between import Between
from .shot import Shot
from .types import Segment

Place = tuple[int, int]  # segment and role


class Materials:
    """Of *roles* in each of *segments*, in the order in which they are made."""

    def __init__(
        self, roles: Sequence[Shot], segments: Sequence[Segment], aside: Aside, meanwhile: Between
    ) -> None:
        order = [(segment, role) for segment in segments for role in roles]
        self._following = {_place(*one): next_one for one, next_one in pairwise(order)}
        self._ahead: dict[Place, Task[SegmentMaterial]] = {}
        self._aside = aside
        self._meanwhile = meanwhile

    def of(self, role: Shot, segment: Segment) -> SegmentMaterial:
        """Asked for a second time, because the segment is begun again, it is read a second time: it is not kept."""
        place = _place(segment, role)
        material = self._task(segment, role).result(self._meanwhile)
        del self._ahead[place]
        if self._aside.has_thread and place in self._following:
            self._task(*self._following[place])
        return material

    def _task(self, segment: Segment, role: Shot) -> Task[SegmentMaterial]:
        place = _place(segment, role)
        if place not in self._ahead:
            self._ahead[place] = self._aside.do(partial(role.material, segment))
        return self._ahead[place]


def _place(segment: Segment, role: Shot) -> Place:
    return segment.index, role.number
