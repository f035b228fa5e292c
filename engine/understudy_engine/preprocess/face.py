"""Square pictures of the face, which drive the character's expression."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize
from .keypoints import FACE
from .sizing import Box

AREA_SCALE = 1.3  # how much larger than the landmarks' box the crop is (engine_spec 6.7)
MIN_LANDMARKS = 17  # a quarter of the face; with fewer there is no telling where it is
MIN_MEAN_SCORE = 0.2  # detectors place 68 landmarks on every head, also on its back


class Edges(NamedTuple):
    """A crop between pixels, as a steadied one lies: x of the left edge, 0 the picture's, and so on."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def cut(self, size: FrameSize) -> Edges:
        """Within a frame of *size*. Width or height are 0 or less where nothing is left."""
        return Edges(
            max(self.left, 0), max(self.top, 0), min(self.right, size.width), min(self.bottom, size.height)
        )


def reference_face_box(landmarks: NDArray[Any], size: FrameSize, area_scale: float = AREA_SCALE) -> Box:
    """The face crop around (n, 2) landmarks exactly as the reference cuts it.

    The landmarks' box grown to *area_scale* times its area, three quarters of the extra height above it, cut
    at the frame's edges. Width or height are 0 or less where the face is outside the frame or has no extent.
    """
    left, top, right, bottom = map(int, face_edges(landmarks, area_scale).cut(size))
    return Box(left, top, right - left, bottom - top)


def face_edges(landmarks: NDArray[Any], area_scale: float = AREA_SCALE) -> Edges:
    """The reference's crop around (n, 2) landmarks before it is cut at the frame and rounded down."""
    left, top = landmarks[:, :2].min(axis=0).tolist()
    right, bottom = landmarks[:, :2].max(axis=0).tolist()
    growth = math.sqrt(area_scale) - 1
    aside = (right - left) * growth / 2
    up = (bottom - top) * growth / 4
    return Edges(left - aside, top - 3 * up, right + aside, bottom + up)


def face_box(points: NDArray[Any], size: FrameSize) -> Box | None:
    """The face crop of one frame's (133, 3) keypoints, or None where no face is to be seen."""
    known = known_landmarks(points)
    if known is None:
        return None
    box = reference_face_box(known, size)
    return box if box.width > 0 and box.height > 0 else None


def known_landmarks(points: NDArray[Any]) -> NDArray[Any] | None:
    """(n, 3): the face's of (133, 3) that were found; None if they are too few or too unsure to be a face."""
    face = points[FACE]
    known = face[face[:, 2] > 0]
    return None if len(known) < MIN_LANDMARKS or face[:, 2].mean() < MIN_MEAN_SCORE else known


def crop_face(rgb: NDArray[np.uint8], box: Box | Edges | None, size_px: int) -> NDArray[np.uint8]:
    """*box* of a (H, W, 3) frame as (size_px, size_px, 3), stretched to a square as the model learnt it.

    Without a box the picture is black: -1 everywhere to the model, which is how it knows "no face".
    """
    if box is None:
        return np.zeros((size_px, size_px, 3), np.uint8)
    if isinstance(box, Edges):
        return _crop_between_pixels(rgb, box, size_px)
    shrinks = box.width * box.height > size_px * size_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb[box.rows, box.columns], (size_px, size_px), interpolation=interpolation))


def _crop_between_pixels(rgb: NDArray[np.uint8], edges: Edges, size_px: int) -> NDArray[np.uint8]:
    """Linear between pixels; what shrinks to less than a half is averaged first, by whole factors."""
    x, y = math.floor(edges.left), math.floor(edges.top)
    part = rgb[max(y, 0) : math.ceil(edges.bottom) + 1, max(x, 0) : math.ceil(edges.right) + 1]
    by_x, by_y = (max(1, int(side / size_px)) for side in (edges.width, edges.height))
    if by_x > 1 or by_y > 1:
        whole = part[: part.shape[0] // by_y * by_y, : part.shape[1] // by_x * by_x]
        part = cv2.resize(
            whole, (whole.shape[1] // by_x, whole.shape[0] // by_y), interpolation=cv2.INTER_AREA
        )
    step_x, step_y = edges.width / size_px / by_x, edges.height / size_px / by_y
    left, top = (edges.left - max(x, 0)) / by_x, (edges.top - max(y, 0)) / by_y
    to_part = np.array([[step_x, 0, left + step_x / 2 - 0.5], [0, step_y, top + step_y / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(part, to_part, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    )
