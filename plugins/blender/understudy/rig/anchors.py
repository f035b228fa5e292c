# SPDX-License-Identifier: GPL-3.0-or-later
"""Ties each of the 133 points to bones: a place in a bone's own space that moves as the bone does.

Knows nothing of bpy. What has no bone of its own is estimated from the rest pose, in which a rig looks straight
ahead: nose, eyes and ears from the head bone, toes and heels from the foot. The shares of a head are those of Rigify's
human metarig; how a bone is rolled does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bone_maps import BoneMap, face_part
from .face_lines import EARS, LINES, NOSE_TIP, Stop
from .points import FINGERS, NAMES, NUMBER, SIDES

Vector = NDArray[np.float64]

HEAD_SHARES = {  # left, up, forward of where the head bone begins, in lengths of the head bone
    "nose": (0.0, 0.32, 0.87),
    "left_eye": (0.26, 0.57, 0.5),
    "right_eye": (-0.26, 0.57, 0.5),
    "left_ear": (0.5, 0.45, 0.0),
    "right_ear": (-0.5, 0.45, 0.0),
}
HEAD_FACING = {  # the direction (left, forward) a point of the head is seen from, and the least cosine
    "nose": ((0.0, 1.0), -0.1),
    "left_eye": ((0.35, 0.94), 0.0),
    "right_eye": ((-0.35, 0.94), 0.0),
    "left_ear": ((1.0, 0.0), -0.5),
    "right_ear": ((-1.0, 0.0), -0.5),
}
FACE_FACING = ((0.0, 1.0), 0.1)
TOES_APART = 0.15  # of the foot's length, from the middle to either side
HEEL_BACK = 0.25  # of the foot's length, behind the ankle


@dataclass(frozen=True, slots=True)
class RestBone:
    """A bone in its rest pose, in the armature's space."""

    head: Vector  # (3,)
    tail: Vector  # (3,)
    matrix: NDArray[np.float64]  # (4, 4), from the bone's space


@dataclass(frozen=True, slots=True)
class Facing:
    """A point is seen only from one side of the head."""

    bone: str
    direction: Vector  # (3,) in the bone's space
    least: float  # cosine of the angle to the camera


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a point is: the weighted mean of places in bones' own spaces."""

    bones: tuple[str, ...]
    places: Vector  # (n, 3)
    weights: Vector  # (n,)
    facing: Facing | None = None


Place = tuple[str, Vector]  # a bone, and where in the armature's space at rest


def anchors(found: BoneMap, rest: Mapping[str, RestBone]) -> dict[int, Anchor]:
    """The anchor of each point that the rig has bones for, by the point's number."""
    skeleton = _Skeleton(found, rest)
    return {NUMBER[name]: anchor for name, anchor in skeleton.all() if anchor is not None}


class _Skeleton:
    def __init__(self, found: BoneMap, rest: Mapping[str, RestBone]) -> None:
        self._map, self._rest = found, rest
        self._left = self._leftwards()

    def all(self) -> Iterator[tuple[str, Anchor | None]]:
        yield from self._head()
        for side in SIDES:
            for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
                yield f"{side}_{joint}", self._tied(self._begin(f"{side}_{joint}"))
            yield from self._foot(side)
            yield from self._hand(side)
        yield from self._face()

    # ---- Bones ---------------------------------------------------------------------------------------------

    def _begin(self, part: str) -> Place | None:
        bone = self._map.get(part)
        return (bone, self._rest[bone].head) if bone else None

    def _end(self, part: str) -> Place | None:
        bone = self._map.get(part)
        return (bone, self._rest[bone].tail) if bone else None

    def _stop(self, stop: Stop) -> Place | None:
        part = face_part(stop.stem, stop.side)
        return self._end(part) if stop.at_tail else self._begin(part)

    def _tied(
        self, *places: Place | None, weights: Any = None, facing: Facing | None = None
    ) -> Anchor | None:
        """At the mean of *places*; None if one of them is missing."""
        known = [place for place in places if place]
        if not known or len(known) < len(places):
            return None
        local = [self._local(bone, place) for bone, place in known]
        even = np.full(len(known), 1 / len(known)) if weights is None else np.asarray(weights)
        return Anchor(tuple(bone for bone, _ in known), np.array(local), even, facing)

    def _local(self, bone: str, place: Vector) -> Vector:
        inside: Vector = (np.linalg.inv(self._rest[bone].matrix) @ [*place, 1])[:3]
        return inside

    def _leftwards(self) -> Vector:
        """The rig's own left at rest."""
        for joint in ("shoulder", "hip", "elbow", "knee"):
            left, right = (self._begin(f"{side}_{joint}") for side in SIDES)
            if left and right and np.linalg.norm(left[1] - right[1]) > 0:
                return _unit(left[1] - right[1])
        return np.array([1.0, 0.0, 0.0])  # Blender's own way: characters look along -Y

    # ---- The head ------------------------------------------------------------------------------------------

    def _head(self) -> Iterator[tuple[str, Anchor | None]]:
        head = self._map.get("head")
        own = {
            "nose": self._stop(NOSE_TIP),
            **{f"{side}_eye": self._begin(f"{side}_eye") for side in SIDES},
            **{f"{side}_ear": self._stop(EARS[side]) for side in SIDES},
        }
        for name, place in own.items():
            facing = self._facing(*HEAD_FACING[name])
            estimate = (head, self._on_head(head, HEAD_SHARES[name])) if head else None
            yield name, self._tied(place or estimate, facing=facing)

    def _axes(self, head: str) -> tuple[Vector, float]:
        """Left, up and forward of the head at rest, as rows, and its length."""
        crown = self._begin("crown")
        along = (crown[1] if crown else self._rest[head].tail) - self._rest[head].head
        up = _unit(along)
        left = _unit(self._left - up * (self._left @ up))
        return np.array([left, up, np.cross(left, up)]), float(np.linalg.norm(along))

    def _on_head(self, head: str, shares: tuple[float, float, float]) -> Vector:
        axes, length = self._axes(head)
        place: Vector = self._rest[head].head + length * (np.array(shares) @ axes)
        return place

    def _facing(self, direction: tuple[float, float], least: float) -> Facing | None:
        head = self._map.get("head")
        if not head:
            return None
        axes, _ = self._axes(head)
        to_bone = np.linalg.inv(self._rest[head].matrix[:3, :3])
        return Facing(head, _unit(to_bone @ (direction[0] * axes[0] + direction[1] * axes[2])), least)

    def _face(self) -> Iterator[tuple[str, Anchor | None]]:
        for line in LINES:
            stops = [self._stop(stop) for stop in line.stops]
            if not all(stops):
                continue
            facing = self._facing(*FACE_FACING)
            for step, landmark in enumerate(line.landmarks):
                if landmark >= 0:
                    at = step * (len(stops) - 1) / (len(line.landmarks) - 1)
                    before = min(int(at), len(stops) - 2)
                    share = at - before
                    pair = stops[before : before + 2]
                    yield (
                        f"face_{landmark}",
                        self._tied(*pair, weights=(1 - share, share), facing=facing),
                    )

    # ---- Hands and feet ------------------------------------------------------------------------------------

    def _hand(self, side: str) -> Iterator[tuple[str, Anchor | None]]:
        yield f"{side}_hand_root", self._tied(self._begin(f"{side}_wrist"))
        for finger in FINGERS:
            for joint in range(1, 5):
                place = self._begin(f"{side}_{finger}{joint}")
                if joint == 4 and not place:
                    place = self._end(f"{side}_{finger}3")
                yield f"{side}_{finger}{joint}", self._tied(place)

    def _foot(self, side: str) -> Iterator[tuple[str, Anchor | None]]:
        ankle = self._begin(f"{side}_ankle")
        tip = self._begin(f"{side}_toe_end") or self._end(f"{side}_toe") or self._end(f"{side}_ankle")
        if not (ankle and tip):
            return
        along = tip[1] - ankle[1]
        inwards = _unit(self._left) * (-1 if side == "left" else 1) * np.linalg.norm(along) * TOES_APART
        yield f"{side}_big_toe", self._tied((tip[0], tip[1] + inwards))
        yield f"{side}_small_toe", self._tied((tip[0], tip[1] - inwards))
        heel = self._begin(f"{side}_heel"), self._end(f"{side}_heel")
        yield f"{side}_heel", self._tied(*heel) or self._tied(self._under(ankle, along, side))

    def _under(self, ankle: Place, along: Vector, side: str) -> Place:
        """The heel: as low as the tip of the toes, behind the ankle."""
        knee = self._begin(f"{side}_knee")
        up = _unit(knee[1] - ankle[1]) if knee else np.array([0.0, 0.0, 1.0])
        down = up * (along @ up)
        return ankle[0], ankle[1] + down - HEEL_BACK * (along - down)


def _unit(vector: Vector) -> Vector:
    length = np.linalg.norm(vector)
    scaled: Vector = vector / length if length > 0 else vector
    return scaled


# ---- Where they are in a frame ---------------------------------------------------------------------------


def placed(tied: Mapping[int, Anchor], bones: Mapping[str, NDArray[np.float64]]) -> Vector:
    """(133, 3) places, from each bone's (4, 4) matrix to the space that is wanted; NaN where there is no anchor."""
    found = np.full((len(NAMES), 3), np.nan)
    for point, anchor in tied.items():
        each = [
            bones[bone][:3] @ [*place, 1] for bone, place in zip(anchor.bones, anchor.places, strict=True)
        ]
        found[point] = anchor.weights @ np.array(each)
    return found


def turned_away(
    tied: Mapping[int, Anchor], bones: Mapping[str, NDArray[np.float64]], places: Vector, eye: Vector
) -> set[int]:
    """Points on the far side of the head as seen from *eye*: (133, 3) places, or one for all."""
    hidden = set()
    towards = np.broadcast_to(eye, places.shape) - places
    for point, anchor in tied.items():
        if anchor.facing is None:
            continue
        outward = _unit(bones[anchor.facing.bone][:3, :3] @ anchor.facing.direction)
        if outward @ _unit(towards[point]) < anchor.facing.least:
            hidden.add(point)
    return hidden
