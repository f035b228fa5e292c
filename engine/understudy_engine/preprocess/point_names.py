"""Names of the 133 points as COCO-WholeBody has them, and what rigs call the same joints."""

from __future__ import annotations

from collections.abc import Iterable

from .joints import POINTS

_SIDED = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_FEET = ("big_toe", "small_toe", "heel")
_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
_SIDES = ("left", "right")

NAMES: tuple[str, ...] = (
    "nose",
    *(f"{side}_{joint}" for joint in _SIDED for side in _SIDES),
    *(f"{side}_{part}" for side in _SIDES for part in _FEET),
    *(f"face_{landmark}" for landmark in range(68)),
    *(
        name
        for side in _SIDES
        for name in (
            f"{side}_hand_root",
            *(f"{side}_{finger}{joint}" for finger in _FINGERS for joint in range(1, 5)),
        )
    ),
)
assert len(NAMES) == POINTS

# Bones are named by where they begin: the forearm begins at the elbow (Mixamo, most BVH files).
_BONES = {
    "arm": "shoulder", "forearm": "elbow", "hand": "wrist", "upleg": "hip", "leg": "knee", "foot": "ankle",
    "toebase": "big_toe",
}  # fmt: skip
_HAND_BONES = ("thumb", "index", "middle", "ring", "pinky")

# Bones of a usual rig that begin where no point lies.
_UNUSED = frozenset(
    (
        "root", "hips", "pelvis", "spine", "spine1", "spine2", "spine3", "chest", "neck", "neck1", "head",
        "headtopend", "headend", "leftclavicle", "rightclavicle", "lefttoeend", "righttoeend",
    )
)  # fmt: skip


def _plain(name: str) -> str:
    """Without the rig's prefix, signs and capitals: "mixamorig:LeftForeArm" is "leftforearm"."""
    return "".join(sign for sign in name.rpartition(":")[2].lower() if sign.isalnum())


def _known() -> dict[str, int]:
    by_name = {_plain(name): index for index, name in enumerate(NAMES)}
    bones = dict(by_name)
    for side in _SIDES:
        bones |= {f"{side}{bone}": by_name[_plain(f"{side}_{joint}")] for bone, joint in _BONES.items()}
        for bone, finger in zip(_HAND_BONES, _FINGERS, strict=True):
            for joint in range(1, 5):
                bones[f"{side}hand{bone}{joint}"] = by_name[_plain(f"{side}_{finger}{joint}")]
    return bones


_INDEX = _known()


def point_of(name: str) -> int | None:
    """The number of the point called *name* by COCO-WholeBody or by a rig; None: nobody's name."""
    return _INDEX.get(_plain(name))


def is_unused(name: str, among: Iterable[str]) -> bool:
    """Whether *name*, *among* all of a rig's, is a bone that no point belongs to.

    A rig with an arm bone means the collar bone by its shoulder.
    """
    plain = _plain(name)
    if plain in ("leftshoulder", "rightshoulder"):
        return plain.replace("shoulder", "arm") in map(_plain, among)
    return plain in _UNUSED
