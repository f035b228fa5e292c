# SPDX-License-Identifier: GPL-3.0-or-later
"""The 133 points of COCO-WholeBody by name. Knows nothing of bpy."""

from __future__ import annotations

SIDES = ("left", "right")  # the performer's own
FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
_SIDED = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_FEET = ("big_toe", "small_toe", "heel")

NAMES: tuple[str, ...] = (
    "nose",
    *(f"{side}_{joint}" for joint in _SIDED for side in SIDES),
    *(f"{side}_{part}" for side in SIDES for part in _FEET),
    *(f"face_{landmark}" for landmark in range(68)),
    *(
        name
        for side in SIDES
        for name in (
            f"{side}_hand_root",
            *(f"{side}_{finger}{joint}" for finger in FINGERS for joint in range(1, 5)),
        )
    ),
)
NUMBER = {name: number for number, name in enumerate(NAMES)}
POINTS = len(NAMES)
BODY = NAMES[:17]
HEAD = NAMES[:5]  # nose, eyes, ears
