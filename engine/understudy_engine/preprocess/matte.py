"""Mattes: where the person is, made larger for the model and cut out of the plate.

A matte is uint8 0-255, 255 = the person, or bool. The model makes new pixels inside it, so it must leave room
for a character of another outline; the compositor then takes exactly the region the model was given.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize, MatteOptions
from .pose import INPUT_HEIGHT, INPUT_WIDTH, corners_of

Matte = NDArray[np.uint8]


def binary(matte: Matte) -> NDArray[np.bool_]:
    """Half covered counts as covered."""
    return np.asarray(matte >= 128)


def grow(matte: Matte, pixels: int) -> Matte:
    """Every value spread *pixels* to all sides (in a square); a soft edge stays as soft as it was."""
    if pixels <= 0:
        return matte
    return np.asarray(cv2.dilate(matte, np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)))


def fill_blocks(mask: NDArray[np.bool_], across: int, down: int) -> NDArray[np.bool_]:
    """Fill whole cells of the mask's bounding box: a cell with one set pixel becomes solid.

    Cells begin at the box's first row and column and are int(size / count) large; the box's last row and
    column belong to no cell (the reference's rule), but no set pixel is lost. Counts beyond the box's size
    mean cells of one pixel. An empty mask stays empty.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    result = mask.copy()
    if len(rows) == 0 or rows[0] == rows[-1] or columns[0] == columns[-1]:
        return result
    inside = mask[rows[0] : rows[-1], columns[0] : columns[-1]]
    tops = np.arange(0, inside.shape[0], max(1, inside.shape[0] // down))
    lefts = np.arange(0, inside.shape[1], max(1, inside.shape[1] // across))
    cells = np.logical_or.reduceat(np.logical_or.reduceat(inside, tops, axis=0), lefts, axis=1)
    tall, wide = np.diff(tops, append=inside.shape[0]), np.diff(lefts, append=inside.shape[1])
    result[rows[0] : rows[-1], columns[0] : columns[-1]] |= cells.repeat(tall, axis=0).repeat(wide, axis=1)
    return result


def prepare(matte: Matte, options: MatteOptions, scale: float) -> Matte:
    """A matte grown and filled as *options* ask, everywhere alike. *scale*: model pixels per pixel of this matte."""
    return filled(grow(matte, in_pixels(options.grow_px, scale)), options)


def filled(grown: Matte, options: MatteOptions) -> Matte:
    if options.blocks is None:
        return grown
    solid = fill_blocks(binary(grown), *options.blocks)
    return np.maximum(grown, solid.astype(np.uint8) * 255)


def margin(options: MatteOptions, scale: float) -> int:
    """How far a matte grows at most, in its own pixels."""
    parts = (options.grow_px, options.grow_hair_px, options.grow_clothes_px)
    return max(in_pixels(part, scale) for part in parts if part is not None)


def in_pixels(grow_px: int, scale: float) -> int:
    """Of a matte of which *scale* model pixels are one."""
    return max(1, round(grow_px / scale)) if grow_px > 0 else 0


def cut_out(rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(..., H, W, 3) with the person cut to black: (..., H, W) mask."""
    return np.asarray(rgb * ~mask[..., None])


# ---- As a net finds it


class CropMatte(NamedTuple):
    """How much of each pixel of a crop a person covers, kept small: about 5 KB.

    *centre* and *size* (x, y) in pixels of the picture.
    """

    zipped: bytes
    centre: NDArray[np.float64]
    size: NDArray[np.float64]

    @classmethod
    def packed(cls, alpha: Matte, centre: NDArray[np.float64], size: NDArray[np.float64]) -> CropMatte:
        """Of *alpha* (256, 192), 255 = the person."""
        return cls(zlib.compress(alpha.tobytes(), level=1), centre, size)

    def laid_back(self, picture: FrameSize) -> Matte:
        """In its place in a picture, (height, width): 0 outside the crop."""
        alpha = np.frombuffer(zlib.decompress(self.zipped), np.uint8).reshape(INPUT_HEIGHT, INPUT_WIDTH)
        start, end = corners_of(self.centre, self.size)
        part = cv2.resize(alpha, (end - start).tolist(), interpolation=cv2.INTER_LINEAR)
        low, high = np.maximum(start, 0), np.minimum(end, picture)
        whole = np.zeros((picture.height, picture.width), np.uint8)
        if (low < high).all():
            (x0, y0), (x1, y1) = low - start, high - start
            whole[low[1] : high[1], low[0] : high[0]] = part[y0:y1, x0:x1]
        return whole
