"""Bones of small rigs, by the names that their makers give them."""

from __future__ import annotations

from collections.abc import Callable

Bones = dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]]

# Who stands in a T, arms along X, looks along -Y: (head, tail) of the left side and the middle, metres.
_MIDDLE = {"head": ((0, 0, 1.5), (0, 0, 1.7))}
_SIDED = {
    "upper_arm": ((0.2, 0, 1.4), (0.45, 0, 1.4)),
    "forearm": ((0.45, 0, 1.4), (0.7, 0, 1.4)),
    "hand": ((0.7, 0, 1.4), (0.8, 0, 1.4)),
    "thigh": ((0.1, 0, 0.9), (0.1, 0, 0.5)),
    "shin": ((0.1, 0, 0.5), (0.1, 0, 0.1)),
    "foot": ((0.1, 0, 0.1), (0.1, -0.12, 0.02)),
    "toe": ((0.1, -0.12, 0.02), (0.1, -0.2, 0.02)),
    **{
        f"{finger}.0{joint}": ((0.77 + 0.03 * joint, y, 1.4), (0.8 + 0.03 * joint, y, 1.4))
        for finger, y in (("thumb", -0.04), ("f_index", -0.02), ("f_middle", 0), ("f_ring", 0.02), ("f_pinky", 0.04))
        for joint in (1, 2, 3)
    },
}  # fmt: skip
_MIXAMO = {
    "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand", "thigh": "UpLeg", "shin": "Leg", "foot": "Foot",
    "toe": "ToeBase",
    **{
        f"{finger}.0{joint}": f"Hand{name}{joint}"
        for finger, name in (
            ("thumb", "Thumb"), ("f_index", "Index"), ("f_middle", "Middle"), ("f_ring", "Ring"), ("f_pinky", "Pinky"),
        )
        for joint in (1, 2, 3)
    },
}  # fmt: skip


def rigify(prefix: str = "") -> Bones:
    """A metarig's names, or with "DEF-" those of a rig generated from one."""
    return _named(lambda bone, side: f"{prefix}{bone}.{side[0].upper()}", f"{prefix}spine.006")


def mixamo(prefix: str = "mixamorig:") -> Bones:
    return _named(lambda bone, side: f"{prefix}{side.capitalize()}{_MIXAMO[bone]}", f"{prefix}Head")


def _named(name: Callable[[str, str], str], head: str) -> Bones:
    bones: Bones = {head: _MIDDLE["head"]}
    for side, sign in (("left", 1), ("right", -1)):
        for bone, (begin, end) in _SIDED.items():
            bones[name(bone, side)] = _mirrored(begin, sign), _mirrored(end, sign)
    return bones


def _mirrored(place: tuple[float, float, float], sign: int) -> tuple[float, float, float]:
    return sign * place[0], place[1], place[2]
