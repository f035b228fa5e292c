"""The people of a clip by name: A takes up most of the pictures, then B, C and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count, product
from string import ascii_uppercase

from ...types import FrameRange
from ..detect import Person, overlap
from .tracks import Track

FREE = 0.1  # so much of a box may be shared with others if it is to show one person alone


@dataclass(frozen=True)
class Member:
    """One person of one shot. Frames count from the start of what was surveyed.

    Whoever is in several shots has a name in each: what joins them nobody can see from here.
    """

    name: str
    shot: FrameRange
    boxes: Track  # by rising frame, one at least
    shown_in: int  # the frame for a thumbnail: large, and with nobody in front as far as that can be had

    @property
    def first(self) -> int:
        """Frame."""
        return min(self.boxes)

    @property
    def last(self) -> int:
        """Frame."""
        return max(self.boxes)

    @property
    def frames_seen(self) -> int:
        return len(self.boxes)

    @property
    def thumbnail(self) -> Person:
        """The box in frame `shown_in`."""
        return self.boxes[self.shown_in]

    @cached_property
    def size(self) -> float:
        """Pixels of the person's boxes, of all frames together."""
        return sum(box.area for box in self.boxes.values())


@dataclass(frozen=True)
class Cast:
    """Everybody in a clip, by name; *shots* rise and are all of it."""

    members: tuple[Member, ...]
    shots: tuple[FrameRange, ...]

    def within(self, shot: FrameRange) -> list[Member]:
        return [member for member in self.members if member.shot == shot]


def name_people(tracks: Mapping[FrameRange, Sequence[Track]]) -> Cast:
    """The cast of a clip whose shots hold these *tracks*. Who is as large as another and seen earlier comes first."""
    found = [
        Member("", shot, track, _shown_in(track, [other for other in within if other is not track]))
        for shot, within in tracks.items()
        for track in within
    ]
    found.sort(key=lambda member: (-member.size, member.first, tuple(member.boxes[member.first])))
    named = (
        Member(name, one.shot, one.boxes, one.shown_in) for one, name in zip(found, names(), strict=False)
    )
    return Cast(tuple(named), tuple(tracks))


def names() -> Iterator[str]:
    """A, B, ... Z, AA, AB, ..."""
    for length in count(1):
        for letters in product(ascii_uppercase, repeat=length):
            yield "".join(letters)


def _shown_in(track: Track, others: Sequence[Track]) -> int:
    def free_area(frame: int) -> tuple[bool, float]:
        box = track[frame]
        hidden = any(overlap(box, other[frame]) > FREE for other in others if frame in other)
        return not hidden, box.area * box.score

    return max(track, key=free_area)
