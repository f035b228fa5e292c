"""What goes into ViTPose and what comes out of it: the person's crop, and points from heatmaps.

Vectorised over people and points. Running the network is not done here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

INPUT_WIDTH, INPUT_HEIGHT = 192, 256
ASPECT = INPUT_HEIGHT / INPUT_WIDTH
BOX_MARGIN = 1.25  # the crop is this much larger than the person's box
UNIT_PX = 200  # the unit of sizes in which the network was trained
MIN_BOX_PX = 10  # a smaller box is a false alarm: the whole frame is taken
MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # ImageNet, RGB
STD = np.array([0.229, 0.224, 0.225], np.float32)
BLUR_PX = 11  # matches the sigma of 2 heatmap pixels the network was trained with
EPS = 1e-10


class PoseCrop(NamedTuple):
    """A person cut out for the network. *centre* and *size* (x, y) in pixels of the frame."""

    pixels: NDArray[np.float32]  # (3, 256, 192), normalised
    centre: NDArray[np.float64]
    size: NDArray[np.float64]


def crop_person(frame: NDArray[np.uint8], box: NDArray[Any], *, reference_bgr: bool = False) -> PoseCrop:
    """The person in *box* (x0, y0, x1, y1, score) of an RGB (H, W, 3) frame as ViTPose wants to see it.

    Whole frame if the box has no score or is tiny. Outside the frame the crop is black.
    *reference_bgr* is a compatibility option: the reference swaps the channels by mistake; the network expects RGB.
    """
    centre, size = _crop_area(frame.shape[1], frame.shape[0], box)
    left_top, right_bottom = corners_of(centre, size)
    cut = _cut_with_border(frame, left_top, right_bottom).astype(np.float32)
    pixels = cv2.resize(cut, (INPUT_WIDTH, INPUT_HEIGHT))
    if reference_bgr:
        pixels = pixels[..., ::-1]
    normalised = (pixels / 255 - MEAN) / STD
    return PoseCrop(np.ascontiguousarray(normalised.transpose(2, 0, 1)), centre, size)


def _crop_area(width: int, height: int, box: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x0, y0, x1, y1, score = (float(value) for value in box)
    if score <= 0 or x1 - x0 < MIN_BOX_PX or y1 - y0 < MIN_BOX_PX:
        x0, y0, x1, y1 = 0.0, 0.0, float(width), float(height)
    tall = max((x1 - x0) * ASPECT, y1 - y0)
    scale = np.array([tall / ASPECT, tall]) / UNIT_PX * BOX_MARGIN
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2]), scale * UNIT_PX


def corners_of(centre: NDArray[np.float64], size: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A crop's corners (x, y) in whole pixels, the second not included."""
    # By way of the inverse of frame -> crop, as the reference does: one box in twenty has a corner just between
    # two pixels, and only the same arithmetic (also that of UNIT_PX) rounds it to the same side.
    crop = np.array([INPUT_WIDTH, INPUT_HEIGHT], float)
    tall = size[1]
    to_crop = np.diag([*(crop / [tall / ASPECT, tall]), 1.0])
    to_crop[:2, 2] = crop * (-centre / [tall / ASPECT, tall] + 0.5)
    to_frame = np.linalg.inv(to_crop)
    corners = [np.round(to_frame @ [x, y, 1.0])[:2].astype(int) for x, y in [(0.0, 0.0), crop.tolist()]]
    return corners[0], corners[1]


def _cut_with_border(frame: NDArray[np.uint8], start: NDArray[Any], end: NDArray[Any]) -> NDArray[np.uint8]:
    """frame[start:end] (corners x, y), black where that lies outside the frame."""
    width, height = (end - start).tolist()
    cut = np.zeros((height, width, 3), np.uint8)
    low = np.maximum(start, 0)
    high = np.minimum(end, [frame.shape[1], frame.shape[0]])
    if (low < high).all():
        x, y = low - start
        inside = frame[low[1] : high[1], low[0] : high[0]]
        cut[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return cut


def decode_heatmaps(
    heatmaps: NDArray[np.floating[Any]], centres: NDArray[np.float64], sizes: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(N, K, h, w) heatmaps of crops at *centres* (N, 2), *sizes* (N, 2) -> (N, K, 3): x, y (pixels), score.

    The score is the heatmap's highest value. The place is refined by one Newton step on the logarithm of the
    blurred heatmap (Zhang et al., Distribution-Aware Coordinate Representation, CVPR 2020). A heatmap without
    a positive value gives a place outside the crop and its score of 0 or less.
    """
    people, points, height, width = heatmaps.shape
    flat = heatmaps.astype(np.float32).reshape(people * points, height, width)
    peak = flat.reshape(len(flat), -1).argmax(axis=1)
    score = flat.reshape(len(flat), -1).max(axis=1)
    place = np.stack([peak % width, peak // width], axis=1).astype(np.float32)  # (N * K, 2)
    place += _newton_step(_blurred(flat), place.astype(int))
    place[score <= 0] = -1
    to_pixels = (sizes / [width, height])[:, None]
    pixels = place.reshape(people, points, 2) * to_pixels + (centres - sizes / 2)[:, None]
    return np.concatenate([pixels, score.reshape(people, points, 1)], axis=2).astype(np.float32)


def _blurred(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each (h, w) map blurred with black around it, and brought back to its own highest value."""
    border = BLUR_PX // 2
    padded = np.pad(maps, ((0, 0), (border, border), (border, border)))
    column = padded.reshape(-1, padded.shape[2])  # one tall picture: the black borders keep the maps apart
    blurred = cv2.GaussianBlur(column, (BLUR_PX, BLUR_PX), 0).reshape(padded.shape)
    blurred = blurred[:, border:-border, border:-border]
    highest = blurred.max(axis=(1, 2), keepdims=True)
    gain = maps.max(axis=(1, 2), keepdims=True) / np.where(highest == 0, 1, highest)
    return np.asarray(blurred * gain)


def _newton_step(maps: NDArray[np.float32], place: NDArray[np.int_]) -> NDArray[np.float32]:
    """From each map's peak (x, y) towards the top of the paraboloid of its logarithm; nothing near the map's border."""
    height, width = maps.shape[1:]
    x, y = np.clip(place, 2, [width - 3, height - 3]).T
    inside = (place == np.stack([x, y], axis=1)).all(axis=1)

    def at(dx: int, dy: int) -> NDArray[np.float32]:
        return np.asarray(np.log(np.maximum(maps[np.arange(len(maps)), y + dy, x + dx], EPS)))

    dx, dy = (at(1, 0) - at(-1, 0)) / 2, (at(0, 1) - at(0, -1)) / 2
    dxx = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4
    dyy = (at(0, 2) - 2 * at(0, 0) + at(0, -2)) / 4
    dxy = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
    determinant = dxx * dyy - dxy * dxy
    usable = inside & (determinant != 0)
    safe = np.where(usable, determinant, 1)
    step = np.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], axis=1) / safe[:, None]
    return np.where(usable[:, None], step, 0).astype(np.float32)
