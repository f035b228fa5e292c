"""Who of several people stands in front of whom, told by their points and mattes, and held while they touch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..types import Depth, FrameRange, OrderSpan
from .keypoints import POINTS, Points
from .matte import binary
from .plate import Neighbour, PlateMatte
from .sources import Indexed
from .together import one_for_two

BODY, FACE = slice(0, 17), slice(23, 91)  # of the 133 points
SEEN_SCORE = 0.3
LEAST_FACE_POINTS = 20
LARGER = 1.05  # a face that is so much larger counts as nearer
GUESS = 0.25  # what such a face, or lower feet, weigh beside one joint that is hidden
SURE = 0.8  # of a second's votes by joints: then the order may change while two touch
CHANGE_S = 1.0
ONE_PERSON = 0.8  # of what two mattes cover together, over the whole range

RANKS = {Depth.BEHIND: -1, Depth.SEEN: 0, Depth.FRONT: 1}
Mask = NDArray[np.bool_]


NOWHERE: Points = np.zeros((POINTS, 3), np.float32)


class Box(NamedTuple):
    """In pixels of the plate; the ends are not included."""

    x0: int
    y0: int
    x1: int
    y1: int

    def grown(self, pixels: int) -> Box:
        return Box(self.x0 - pixels, self.y0 - pixels, self.x1 + pixels, self.y1 + pixels)

    def touches(self, other: Box) -> bool:
        return bool((np.maximum(self[:2], other[:2]) < np.minimum(self[2:], other[2:])).all())


class Standing(NamedTuple):
    """One role in one frame."""

    mask: Mask  # (h, w), not grown
    box: Box | None  # of the mask
    points: Points  # (133, 3) in pixels of the plate; none seen where they are not known


class Order:
    """Of the roles of one job. Memory: some bytes a frame and pair, and one frame's mattes."""

    def __init__(self, rate: Fraction, stated: Sequence[Depth]) -> None:
        """*rate*: frames a second; *stated*: of each role."""
        self._change_frames = max(1, round(CHANGE_S * rate))
        self._stated = stated
        self._mattes: list[PlateMatte] = []
        self._points: list[Indexed[Points] | None] = []
        self._pairs = {pair: _Pair() for pair in combinations(range(len(stated)), 2)}
        self._seen = 0
        self._signs: dict[tuple[int, int], NDArray[np.int8]] = {}

    def add(self, matte: PlateMatte, points: Indexed[Points] | None) -> None:
        """The next role's matte, and its person's (133, 3) points a frame in pixels of the plate, if they are known."""
        self._mattes.append(matte)
        self._points.append(points)

    def look(self) -> Iterator[int]:
        """Holds the mattes of all frames against one another; yields after each how many were seen.

        Raises PassMismatch if two roles are one person.
        """
        for index in range(self._seen, len(self._mattes[0])):
            self._see(index)
            self._seen = index + 1
            yield self._seen
        for (one, other), pair in self._pairs.items():
            if pair.is_one_person():
                raise one_for_two(one, other)

    def touching(self, role: int, index: int) -> list[Neighbour]:
        """Those who come near *role* in frame *index*."""
        others = (other for other in range(len(self._mattes)) if other != role)
        return [
            Neighbour(self._mattes[other], self._before(other, role, index))
            for other in others
            if self._touch(role, other, index)
        ]

    def back_to_front(self, index: int) -> tuple[int, ...]:
        """All roles. Where three or more go in a circle, who is in front of fewest is the hindmost."""
        left, order = list(range(len(self._mattes))), list[int]()
        while left:
            order.append(min(left, key=lambda role: (*self._overtakes(role, left, index), role)))
            left.remove(order[-1])
        return tuple(order)

    def spans(self, frames: FrameRange) -> tuple[OrderSpan, ...]:
        found: list[OrderSpan] = []
        for index in frames.indices:
            order = self.back_to_front(index)
            if found and found[-1].back_to_front == order:
                found[-1] = OrderSpan(FrameRange(found[-1].frames.start, index + 1), order)
            else:
                found.append(OrderSpan(FrameRange(index, index + 1), order))
        return tuple(found)

    def _see(self, index: int) -> None:
        there = [
            _standing(binary(matte.plain([index])[0]), NOWHERE if points is None else points[index])
            for matte, points in zip(self._mattes, self._points, strict=True)
        ]
        for (one, other), pair in self._pairs.items():
            margin = max(self._mattes[one].margin_px, self._mattes[other].margin_px)
            pair.see(there[one], there[other], margin)

    def _overtakes(self, role: int, others: Sequence[int], index: int) -> tuple[int, int]:
        """How many of *others* stand behind *role*: of those that it touches, and of all."""
        behind = [other for other in others if other != role and self._before(role, other, index)]
        return sum(self._touch(role, other, index) for other in behind), len(behind)

    def _touch(self, one: int, other: int, index: int) -> bool:
        return self._look_through()._pairs[min(one, other), max(one, other)].votes[index] is not None

    def _before(self, one: int, other: int, index: int) -> bool:
        """Whether *one* is in front of *other*."""
        ranks = RANKS[self._stated[one]] - RANKS[self._stated[other]]
        if ranks:
            return ranks > 0
        pair = (min(one, other), max(one, other))
        if pair not in self._signs:
            votes = self._look_through()._pairs[pair].votes
            self._signs[pair] = decided(votes, self._change_frames)
        return bool(self._signs[pair][index] > 0) == (one < other)

    def _look_through(self) -> Order:
        for _ in self.look():
            pass
        return self


class _Pair:
    """Two roles, frame by frame."""

    def __init__(self) -> None:
        self.votes: list[float | None] = []  # above 0: the first is in front, 0: who knows; None: apart
        self._both = self._either = 0  # pixels, of all frames

    def see(self, one: Standing, other: Standing, margin_px: int) -> None:
        self.votes.append(_vote(one, other, margin_px))
        both = int((one.mask & other.mask).sum())
        self._both += both
        self._either += int(one.mask.sum()) + int(other.mask.sum()) - both

    def is_one_person(self) -> bool:
        return self._both > ONE_PERSON * self._either


def _vote(one: Standing, other: Standing, margin_px: int) -> float | None:
    """Joints that the other's matte hides; without any, a guess by the larger face, or by the lower feet."""
    if (
        one.box is None
        or other.box is None
        or not one.box.grown(margin_px).touches(other.box.grown(margin_px))
    ):
        return None
    hidden = _hidden(other, one) - _hidden(one, other)
    if hidden:
        return float(hidden)
    face, theirs = _face_px(one.points), _face_px(other.points)
    if face and theirs and max(face / theirs, theirs / face) > LARGER:
        return GUESS * _sign(face - theirs)
    return GUESS * _sign(one.box.y1 - other.box.y1)


def _hidden(behind: Standing, before: Standing) -> int:
    """How many of the one's joints lie in the other's matte, and not in their own."""
    joints = behind.points[BODY]
    height, width = behind.mask.shape
    inside = ((joints[:, :2] >= 0) & (joints[:, :2] < (width, height))).all(axis=1)
    columns, rows = joints[inside & (joints[:, 2] >= SEEN_SCORE), :2].astype(int).T
    return int((before.mask[rows, columns] & ~behind.mask[rows, columns]).sum())


def _face_px(points: Points) -> float:
    """Its height; 0 where it is not seen."""
    face = points[FACE]
    seen = face[face[:, 2] >= SEEN_SCORE, 1]
    return float(np.ptp(seen)) if len(seen) >= LEAST_FACE_POINTS else 0.0


def decided(votes: Sequence[float | None], change_frames: int) -> NDArray[np.int8]:
    """(T,) 1 or -1 for each frame: one order for each time of touching, or, where the votes are sure for
    *change_frames* before and behind, for each part of it. Frames apart have that of the time before, or the next."""
    signs = np.zeros(len(votes), np.int8)
    cast = np.array([0 if vote is None else vote for vote in votes], float)
    for touching in _stretches([vote is not None for vote in votes]):
        for part in _parts(cast, touching, change_frames):
            signs[part.start : part.end] = _sign(cast[part.start : part.end].sum())
    return _filled(signs)


def _parts(cast: NDArray[Any], touching: FrameRange, change: int) -> Iterator[FrameRange]:
    """*touching*, cut where the order changes for sure."""
    sure = np.sign(np.trunc(cast))  # guesses change nothing
    best, at = 0.0, 0
    for frame in range(touching.start + change, touching.end - change + 1):
        before, behind = sure[frame - change : frame].mean(), sure[frame : frame + change].mean()
        if min(abs(before), abs(behind)) >= SURE and before * behind < 0 and abs(before - behind) > best:
            best, at = abs(before - behind), frame
    if not best:
        yield touching
        return
    yield from _parts(cast, FrameRange(touching.start, at), change)
    yield from _parts(cast, FrameRange(at, touching.end), change)


def _stretches(flags: Sequence[bool]) -> Iterator[FrameRange]:
    edges = np.flatnonzero(np.diff([False, *flags, False]))
    for start, end in edges.reshape(-1, 2).tolist():
        yield FrameRange(start, end)


def _filled(signs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Without zeros: as before, or else as next, or else the second in front."""
    known = np.flatnonzero(signs)
    if not len(known):
        return np.full_like(signs, -1)
    before = np.searchsorted(known, np.arange(len(signs)), side="right") - 1
    return np.asarray(signs[known[before.clip(0)]])


def _standing(mask: Mask, points: Points) -> Standing:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return Standing(mask, None, points)
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Standing(mask, box, points)


def _sign(value: float) -> int:
    return int(value > 0) - int(value < 0)
