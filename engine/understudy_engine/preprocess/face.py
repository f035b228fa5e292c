"""Square pictures of the face, which drive the character's expression."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize
from .keypoints import FACE
from .sizing import Box

AREA_SCALE = 1.3  # how much larger than the landmarks' box the crop is (engine_spec 6.7)
MIN_LANDMARKS = 17  # a quarter of the face; with fewer there is no telling where it is
MIN_MEAN_SCORE = 0.2  # detectors place 68 landmarks on every head, also on its back


def reference_face_box(landmarks: NDArray[Any], size: FrameSize, area_scale: float = AREA_SCALE) -> Box:
    """The face crop around (n, 2) landmarks exactly as the reference cuts it.

    The landmarks' box grown to *area_scale* times its area, three quarters of the extra height above it, cut
    at the frame's edges. Width or height are 0 or less where the face is outside the frame or has no extent.
    """
    left, top = landmarks[:, :2].min(axis=0).tolist()
    right, bottom = landmarks[:, :2].max(axis=0).tolist()
    growth = math.sqrt(area_scale) - 1
    aside = (right - left) * growth / 2
    up = (bottom - top) * growth / 4
    x0, x1 = int(max(left - aside, 0)), int(min(right + aside, size.width))
    y0, y1 = int(max(top - 3 * up, 0)), int(min(bottom + up, size.height))
    return Box(x0, y0, x1 - x0, y1 - y0)


def face_box(points: NDArray[Any], size: FrameSize) -> Box | None:
    """The face crop of one frame's (133, 3) keypoints, or None where no face is to be seen."""
    face = points[FACE]
    known = face[face[:, 2] > 0]
    if len(known) < MIN_LANDMARKS or face[:, 2].mean() < MIN_MEAN_SCORE:
        return None
    box = reference_face_box(known, size)
    return box if box.width > 0 and box.height > 0 else None


def crop_face(rgb: NDArray[np.uint8], box: Box | None, size_px: int) -> NDArray[np.uint8]:
    """*box* of a (H, W, 3) frame as (size_px, size_px, 3), stretched to a square as the model learnt it.

    Without a box the picture is black: -1 everywhere to the model, which is how it knows "no face".
    """
    if box is None:
        return np.zeros((size_px, size_px, 3), np.uint8)
    shrinks = box.width * box.height > size_px * size_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb[box.rows, box.columns], (size_px, size_px), interpolation=interpolation))
