# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone of an armature begins at which joint: Rigify, its metarigs, Mixamo and those like them.

Knows nothing of bpy.
 The family of names that finds most joints is taken, as a whole: "leg" is a shin to one and
a whole leg to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import bone_names
from .face_lines import STEMS as FACE_STEMS
from .points import FINGERS, SIDES

LEAST_JOINTS = 6  # shoulders, elbows, wrists: with fewer nothing can be told

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How rigs of one habit call their bones, without sides and signs; "|" stands between other names for the same."""

    limbs: tuple[str, ...]  # begin at _LIMBS
    toe: str
    heel: str  # lies across the heel
    head: str
    crown: str
    toe_end: str
    fingers: tuple[str, ...]  # of FINGERS, "{}" is the joint's number


FAMILIES = {
    "Rigify": Family(  # Unreal's, 3ds Max's and MakeHuman's rigs are close enough
        limbs=("upperarm", "forearm|lowerarm", "hand", "thigh|upperleg", "shin|calf|lowerleg", "foot"),
        toe="toe|toe0|toes|ball",
        heel="heel02",
        head="spine006|head",
        crown="headend|headnub",
        toe_end="toeend|toe0nub",
        fingers=(
            "thumb0{}",
            "findex0{}|index0{}",
            "fmiddle0{}|middle0{}",
            "fring0{}|ring0{}",
            "fpinky0{}|pinky0{}",
        ),
    ),
    "Mixamo": Family(
        limbs=("arm", "forearm", "hand", "upleg", "leg", "foot"),
        toe="toebase",
        heel="",
        head="head",
        crown="headtopend|headend",
        toe_end="toeend|toebaseend",
        fingers=("handthumb{}", "handindex{}", "handmiddle{}", "handring{}", "handpinky{}"),
    ),
}


@dataclass(frozen=True, slots=True)
class BoneMap:
    """The bones of one armature that stand for something."""

    family: str
    bones: Mapping[str, str]  # what it is ("left_elbow", "head", "left_forefinger2") -> the bone's name

    def get(self, part: str) -> str | None:
        return self.bones.get(part)

    @property
    def limb_joints(self) -> int:
        """How many of the twelve joints of arms and legs there are."""
        return sum(f"{side}_{joint}" in self.bones for side in SIDES for joint in _LIMBS)

    @property
    def missing(self) -> list[str]:
        """Joints that no bone begins at, as an artist reads them."""
        wanted = [f"{side}_{joint}" for joint in _LIMBS for side in SIDES] + ["head"]
        return [part.replace("_", " ") for part in wanted if part not in self.bones]


def match(names: Iterable[str]) -> BoneMap:
    """The best family's map of an armature whose bones have these *names*; it may have found nothing."""
    known = _by_stem(names)
    maps = [BoneMap(name, dict(_found(family, known))) for name, family in FAMILIES.items()]
    return max(maps, key=lambda found: (found.limb_joints, len(found.bones)))


def _by_stem(names: Iterable[str]) -> dict[tuple[str, str], str]:
    """Bones by stem and side; of several layers the best."""
    parsed = {name: bone_names.parse(plain) for name, plain in bone_names.without_common(names).items()}
    known = {name: found for name, found in parsed.items() if found}
    in_order = sorted(known, key=lambda name: -known[name].layer)  # the best come last, and stay
    return {(known[name].stem, known[name].side): name for name in in_order}


def _found(family: Family, known: Mapping[tuple[str, str], str]) -> Iterable[tuple[str, str]]:
    for part, stems, side in _wanted(family):
        bone = next((known[stem, side] for stem in stems.split("|") if (stem, side) in known), None)
        if bone:
            yield part, bone


def _wanted(family: Family) -> Iterable[tuple[str, str, str]]:
    """What is looked for, by which stems, on which side."""
    yield from (("head", family.head, ""), ("crown", family.crown, ""))
    for side in SIDES:
        for joint, stems in zip(_LIMBS, family.limbs, strict=True):
            yield f"{side}_{joint}", stems, side
        yield f"{side}_toe", family.toe, side
        yield f"{side}_toe_end", family.toe_end, side
        yield f"{side}_heel", family.heel, side
        yield f"{side}_eye", "eye", side
        for finger, stems in zip(FINGERS, family.fingers, strict=True):
            for number in range(1, 5):  # the fourth is where the finger ends, and often missing
                yield f"{side}_{finger}{number}", stems.replace("{}", str(number)), side
    for stem, side in FACE_STEMS:
        yield face_part(stem, side), stem, side


def face_part(stem: str, side: str) -> str:
    """What a bone of the face is called in a map."""
    return f"face:{stem}:{side}"
