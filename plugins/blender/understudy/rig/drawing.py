# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a skeleton as the model will see it, for the artist to judge by. Knows nothing of bpy.

The server draws its own from the keypoints; joints, limbs and colours here are the same, pixels are not.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .points import NUMBER

Colour = tuple[int, int, int]
Rows = Sequence[Sequence[float]]

SEEN = 0.5  # a point below it is not drawn, nor the limbs that end in it
SOFT_PX = 0.5

_BODY = (  # each drawn joint lies between two points
    ("nose", "nose"), ("left_shoulder", "right_shoulder"),
    *((f"right_{joint}", f"right_{joint}") for joint in ("shoulder", "elbow", "wrist")),
    *((f"left_{joint}", f"left_{joint}") for joint in ("shoulder", "elbow", "wrist")),
    *((f"right_{joint}", f"right_{joint}") for joint in ("hip", "knee", "ankle")),
    *((f"left_{joint}", f"left_{joint}") for joint in ("hip", "knee", "ankle")),
    ("right_eye", "right_eye"), ("left_eye", "left_eye"), ("right_ear", "right_ear"), ("left_ear", "left_ear"),
    ("left_big_toe", "left_small_toe"), ("right_big_toe", "right_small_toe"),
)  # fmt: skip
_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (13, 18), (10, 19),
)  # fmt: skip
_COLOURS: tuple[Colour, ...] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0),
    (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255),
    (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85), (200, 200, 0), (100, 100, 0),
)  # fmt: skip
_HANDS = tuple(NUMBER[f"{side}_hand_root"] for side in ("left", "right"))
_FINGER_BONES = tuple((0 if j == 0 else 4 * i + j, 4 * i + j + 1) for i in range(5) for j in range(4))


def draw(rows: Rows, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The skeleton of 133 *rows* x, y, score as (H, W, 4) RGBA; clear where there is none."""
    width, height = size
    canvas = np.zeros((height, width, 4), np.uint8)
    stick = max(min(size) / 200, 1.0)
    joints = [_between(rows[NUMBER[a]], rows[NUMBER[b]]) for a, b in _BODY]
    for (a, b), colour in zip(_LIMBS, _COLOURS, strict=False):
        _stroke(canvas, joints[a], joints[b], _darker(colour), stick)
    for joint, colour in zip(joints, _COLOURS, strict=True):
        _stroke(canvas, joint, joint, colour, stick)
    for root in _HANDS:
        hand = [_between(row, row) for row in rows[root : root + 21]]
        for number, (a, b) in enumerate(_FINGER_BONES):
            _stroke(canvas, hand[a], hand[b], _hue(number / len(_FINGER_BONES)), stick / 2)
        for joint in hand:
            _stroke(canvas, joint, joint, (0, 0, 255), stick / 2)
    return canvas


def on_black(drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) of what `draw` gives."""
    rgb: NDArray[np.uint8] = (drawn[..., :3] * (drawn[..., 3:] / 255.0)).astype(np.uint8)
    return rgb


def _between(a: Sequence[float], b: Sequence[float]) -> tuple[float, float] | None:
    """None where a point is missing, or the two are not sure enough together."""
    if min(a[2], b[2]) <= 0 or (a[2] + b[2]) / 2 < SEEN:
        return None
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _stroke(
    canvas: NDArray[np.uint8],
    a: tuple[float, float] | None,
    b: tuple[float, float] | None,
    colour: Colour,
    radius: float,
) -> None:
    """A line with round ends; a disc where *a* and *b* are the same."""
    if a is None or b is None:
        return
    reach = radius + SOFT_PX + 1
    left, right = _span(a[0], b[0], reach, canvas.shape[1])
    top, bottom = _span(a[1], b[1], reach, canvas.shape[0])
    if left >= right or top >= bottom:
        return
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = ((x - a[0]) * dx + (y - a[1]) * dy) / max(dx * dx + dy * dy, 1e-9)
    along = along.clip(0, 1)
    distance = np.hypot(x - a[0] - along * dx, y - a[1] - along * dy)
    cover = ((radius + SOFT_PX - distance) / (2 * SOFT_PX)).clip(0, 1)
    part = canvas[top:bottom, left:right]
    touched = cover > 0
    part[touched, :3] = colour
    part[..., 3] = np.maximum(part[..., 3], (cover * 255).astype(np.uint8))


def _span(a: float, b: float, reach: float, end: int) -> tuple[int, int]:
    low, high = min(a, b) - reach, max(a, b) + reach
    return max(math.floor(low), 0), min(math.ceil(high), end)


def _darker(colour: Colour) -> Colour:
    red, green, blue = (int(value * 0.6) for value in colour)
    return red, green, blue


def _hue(share: float) -> Colour:
    red, green, blue = (int(255 * value) for value in colorsys.hsv_to_rgb(share, 1.0, 1.0))
    return red, green, blue
