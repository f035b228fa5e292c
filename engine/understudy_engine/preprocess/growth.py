"""How far a matte grows around the head, and around the rest of the body, where the two shall differ."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize, MatteOptions
from .joints import MIN_SCORE, POINT_PAIRS
from .matte import Matte, filled, grow, in_pixels, prepare

Points = NDArray[np.floating[Any]]
Places = NDArray[np.float64]

HEAD = [*range(5), *range(23, 91)]  # of the 133 points: nose, eyes, ears, face
LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP = 5, 6, 11, 12
BODY = [pair for pair in POINT_PAIRS if not set(pair) & set(HEAD)]
HEAD_OF_TORSO, HEAD_OF_SHOULDERS = 0.5, 0.7  # how far above the neck a head is, by lengths of those
LEAST_TRANSITION = 0.25  # of the distance between neck and head
GRID = 192  # cells along the longer side: the reach changes slowly


def grown(matte: Matte, points: Points | None, options: MatteOptions, scale: float) -> Matte:
    """*matte* as *options* ask, for the model and the compositing. *scale*: model pixels per pixel of the matte.

    *points* (133, 3) in the matte's pixels; only *options* that tell parts apart need them.
    """
    if points is None or not options.grows_parts:
        return prepare(matte, options, scale)
    return filled(grow_parts(matte, points, options, scale), options)


def grow_parts(matte: Matte, points: Points, options: MatteOptions, scale: float) -> Matte:
    """*matte* grown by `grow_hair_px` around the head, by `grow_clothes_px` around the rest, and in between smoothly.

    *points* (133, 3) in the matte's pixels; *scale*: model pixels per pixel of the matte. Without a point that is seen
    it grows by `grow_px` everywhere. Time: that of some dilations of the person's box a pixel of difference.
    """
    reach = reaches(points, FrameSize(matte.shape[1], matte.shape[0]), options, scale)
    return grow(matte, in_pixels(options.grow_px, scale)) if reach is None else grow_each(matte, reach)


def grow_each(matte: Matte, reach: NDArray[np.integer[Any]]) -> Matte:
    """*matte* (H, W) with every pixel spread, as by `grow`, as far as its own *reach* (H, W) says."""
    rows, columns = np.flatnonzero(matte.any(axis=1)), np.flatnonzero(matte.any(axis=0))
    if not len(rows):
        return matte
    least, most = int(reach.min()), int(reach.max())
    around = (
        slice(max(0, rows[0] - most), rows[-1] + most + 1),
        slice(max(0, columns[0] - most), columns[-1] + most + 1),
    )
    part, own, result = matte[around], reach[around], matte.copy()
    grown = np.zeros_like(part)
    for pixels in range(most, least, -1):
        grown = grow(np.maximum(grown, part * (own >= pixels)), 1)
    result[around] = grow(np.maximum(grown, part), least)
    return result


def reaches(points: Points, size: FrameSize, options: MatteOptions, scale: float) -> NDArray[np.int32] | None:
    """(H, W) pixels; None where no point is seen. From one pixel to the next it changes by one at most."""
    hair, clothes = (
        in_pixels(options.grow_px if part is None else part, scale)
        for part in (options.grow_hair_px, options.grow_clothes_px)
    )
    seen = points[:, 2] >= MIN_SCORE
    head, body = _head(points, seen), _lines(points, seen)
    if not len(head) and not len(body):
        return None
    step = max(1, math.ceil(max(size) / GRID))
    cells = FrameSize(*(math.ceil(side / step) for side in size))
    if not len(head) or not len(body):
        share = np.full((cells.height, cells.width), float(len(head) > 0))
    else:
        y, x = np.mgrid[: cells.height, : cells.width] * step + (step - 1) / 2
        nearer = _far(x, y, body) - _far(x, y, np.stack([head, head], axis=1))  # above 0: to the head
        width = max(abs(hair - clothes), LEAST_TRANSITION * _neck_px(head, body), 1)
        share = np.clip(0.5 + nearer / (2 * width), 0, 1)
    field = clothes + (hair - clothes) * share.astype(np.float32)
    whole = cv2.resize(field, (cells.width * step, cells.height * step), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.floor(whole[: size.height, : size.width] + 0.5), np.int32)


def _head(points: Points, seen: NDArray[np.bool_]) -> Places:
    """(N, 2) of the head; from behind, where it must be."""
    found = points[HEAD][seen[HEAD], :2].astype(float)
    if len(found) or not seen[[LEFT_SHOULDER, RIGHT_SHOULDER]].all():
        return found
    shoulders, hips = points[[LEFT_SHOULDER, RIGHT_SHOULDER], :2], points[[LEFT_HIP, RIGHT_HIP], :2]
    neck = shoulders.mean(axis=0)
    if seen[[LEFT_HIP, RIGHT_HIP]].all():
        return np.asarray([neck + HEAD_OF_TORSO * (neck - hips.mean(axis=0))], float)
    return np.asarray([neck - [0, HEAD_OF_SHOULDERS * np.hypot(*(shoulders[1] - shoulders[0]))]], float)


def _lines(points: Points, seen: NDArray[np.bool_]) -> Places:
    """(L, 2, 2) of the body: between joints that are seen, and those joints."""
    joints = sorted({joint for pair in BODY for joint in pair})
    pairs = [pair for pair in (*BODY, *((joint, joint) for joint in joints)) if seen[list(pair)].all()]
    return np.asarray(points[np.array(pairs, int).reshape(-1, 2), :2], float)


def _far(x: Places, y: Places, lines: Places) -> Places:
    """(h, w): from each place to the nearest of *lines* (L, 2, 2)."""
    nearest = np.full(x.shape, np.inf)
    for (ax, ay), (bx, by) in lines.tolist():
        along_x, along_y = bx - ax, by - ay
        length = max(along_x**2 + along_y**2, 1e-6)
        part = (((x - ax) * along_x + (y - ay) * along_y) / length).clip(0, 1)
        far = (x - ax - part * along_x) ** 2 + (y - ay - part * along_y) ** 2
        np.minimum(nearest, far, out=nearest)
    return np.asarray(np.sqrt(nearest))


def _neck_px(head: Places, body: Places) -> float:
    """From the middle of the head to the body."""
    middle = head.mean(axis=0)
    return float(_far(middle[:1], middle[1:], body)[0])
