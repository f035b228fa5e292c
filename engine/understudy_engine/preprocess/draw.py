"""The skeleton picture that the model was trained to follow.

Pixel for pixel the reference's drawing (engine_spec 6.6), so every truncation to whole pixels and degrees is
kept. Face landmarks are not drawn; nose, eyes and ears are.
"""

from __future__ import annotations

import colorsys
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize
from .joints import COLOURS, FARTHEST_PX, FINGER_BONES, HAND_JOINT, LIMBS, MIN_SCORE, Colour
from .keypoints import Skeleton

Points = NDArray[np.floating[Any]]


def draw_skeleton(skeleton: Skeleton, size: FrameSize) -> NDArray[np.uint8]:
    """One person's skeleton in RGB on black, (height, width, 3)."""
    canvas = np.zeros((size.height, size.width, 3), np.uint8)
    stick_px = max(min(size) // 200 - 1, 1)
    _draw_body(canvas, skeleton.body, stick_px)
    for hand in (skeleton.left_hand, skeleton.right_hand):
        _draw_hand(canvas, hand, max(stick_px // 2, 1))
    return canvas


def _draw_body(canvas: NDArray[np.uint8], body: Points, stick_px: int) -> None:
    seen = _drawable(body)
    for (a, b), colour in zip(LIMBS, COLOURS, strict=False):  # one colour more than limbs: the last joint's
        if seen[a] and seen[b]:
            _draw_limb(canvas, body[a], body[b], colour, stick_px)
    for joint, colour in zip(np.flatnonzero(seen), np.array(COLOURS)[seen], strict=True):
        cv2.circle(canvas, _pixel(body[joint]), stick_px, colour.tolist(), thickness=-1)


def _draw_limb(canvas: NDArray[np.uint8], a: Points, b: Points, colour: Colour, stick_px: int) -> None:
    dx, dy = float(a[0] - b[0]), float(a[1] - b[1])
    half_length = int(math.hypot(dx, dy) / 2)
    angle = int(math.degrees(math.atan2(dy, dx)))
    middle = _pixel((a + b) / 2)
    outline = cv2.ellipse2Poly(middle, (half_length, stick_px), angle, 0, 360, 1)
    cv2.fillConvexPoly(canvas, outline, [int(value * 0.6) for value in colour])


def _draw_hand(canvas: NDArray[np.uint8], hand: Points, stick_px: int) -> None:
    # The reference skips points in the first row or column.
    inside = _drawable(hand) & (hand[:, :2] >= 1).all(axis=1)
    for i, (a, b) in enumerate(FINGER_BONES):
        if inside[a] and inside[b]:
            colour = [255 * value for value in colorsys.hsv_to_rgb(i / len(FINGER_BONES), 1.0, 1.0)]
            cv2.line(canvas, _pixel(hand[a]), _pixel(hand[b]), colour, thickness=stick_px)
    for point in hand[inside]:
        cv2.circle(canvas, _pixel(point), stick_px, HAND_JOINT, thickness=-1)


def _drawable(points: Points) -> NDArray[np.bool_]:
    near = np.abs(points[:, :2]).max(axis=1) < FARTHEST_PX  # False for NaN
    return np.asarray((points[:, 2] >= MIN_SCORE) & near)


def _pixel(point: Points) -> tuple[int, int]:
    return int(point[0]), int(point[1])
