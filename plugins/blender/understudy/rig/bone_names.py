# SPDX-License-Identifier: GPL-3.0-or-later
"""What the name of a bone says: which part of the body, which side, and which of a rig's layers it belongs to.

Knows nothing of bpy. Rigs differ in how they write the same thing: "mixamorig:LeftForeArm", "DEF-forearm.L",
"Hero_l_forearm_jnt", "forearm.R.001".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

LAYERS = {"DEF": 0, "ORG": 1, "": 2}  # best first: a mesh follows the first, and a metarig has but the last
MACHINERY = ("MCH", "WGT", "VIS", "CTRL", "IK", "FK")  # what moves a rig, not what it moves
COMMON = 0.8  # of the bones, before a word that all begin or end with is no part of their names


class BoneName(NamedTuple):
    layer: int  # lower is better
    stem: str  # small letters and digits: "forearm", "findex01"
    side: str  # "left", "right" or ""


def parse(name: str) -> BoneName | None:
    """None for machinery. *name* has lost what all bones of its rig share, see `without_common`."""
    plain = re.sub(r"^mixamorig\d*[:_ ]?", "", name)
    plain = re.split(r"[:|]", plain)[-1]
    layer, rest = "", plain
    if marked := re.match(r"([A-Z]{2,4})[-_ .](?=.)", plain):
        if marked[1] in MACHINERY:
            return None
        if marked[1] in LAYERS:
            layer, rest = marked[1], plain[marked.end() :]
    stem, side = _side(rest)
    return BoneName(LAYERS[layer], "".join(sign for sign in stem.lower() if sign.isalnum()), side)


def _side(name: str) -> tuple[str, str]:
    """*name* without its side, and the side."""
    for pattern in (
        r"^(?P<side>left|right)(?=[A-Z_\-. ])",  # LeftArm, left_arm
        r"^(?P<side>[lr])[_\-. ]",  # l_arm
        r"[_\-. ](?P<side>left|right|l|r)(?=([._\-]\d+)?$)",  # arm.L, arm_left, lip.T.L.001
        r"[_\-. ](?P<side>[lr])[_\-. ]",  # bip01_L_UpperArm
        r"(?<=[a-z0-9])(?P<side>Left|Right)$",  # armLeft
    ):
        flags = 0 if "Left|" in pattern else re.IGNORECASE
        if found := re.search(pattern, name, flags):
            side = "left" if found["side"].lower().startswith("l") else "right"
            return name[: found.start()] + " " + name[found.end() :], side
    return name, ""


def without_common(names: Iterable[str]) -> dict[str, str]:
    """Each of *names* without the word that nearly all of them begin or end with, as "Hero_" and "_jnt"."""
    given = list(names)
    first = _shared(re.match(r"[^_\-.: |]+[_\-.: |]+", name) for name in given)
    last = _shared(re.search(r"[_\-.: |]+[^_\-.: |]+$", name) for name in given)
    return {name: name.removeprefix(first).removesuffix(last) or name for name in given}


def _shared(found: Iterable[re.Match[str] | None]) -> str:
    words = [match[0] if match else "" for match in found]
    if not words:
        return ""
    word, count = Counter(words).most_common(1)[0]
    is_layer = word.strip("_-.: |") in (*LAYERS, *MACHINERY)
    return word if count >= COMMON * len(words) and not is_layer else ""
