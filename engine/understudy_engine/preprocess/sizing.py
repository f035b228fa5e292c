"""Between a clip's own size and the canvas the model works on, without black bars.

The reference floors both sides to multiples of 16 and letterboxes what no longer fits, so thin black bars end
up in its results. Here the clip is scaled uniformly and what is left of the canvas repeats the clip's edge;
`Fit` remembers where the clip lies, so that `Fit.undo` gives exactly its picture back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize

Pixels = NDArray[Any]


class Box(NamedTuple):
    """A rectangle of whole pixels: its top left corner and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def size(self) -> FrameSize:
        return FrameSize(self.width, self.height)

    @property
    def rows(self) -> slice:
        return slice(self.y, self.y + self.height)

    @property
    def columns(self) -> slice:
        return slice(self.x, self.x + self.width)


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a picture of size *source* lies inside a *canvas*: scaled uniformly into *content*."""

    source: FrameSize
    canvas: FrameSize
    content: Box

    @property
    def scale(self) -> float:
        """Canvas pixels per source pixel."""
        return math.sqrt(self.content.width * self.content.height / (self.source.width * self.source.height))

    def apply(self, rgb: Pixels) -> Pixels:
        """(H, W, 3) or (T, H, W, 3) of the source's size onto the canvas; the padding repeats the edge."""
        if rgb.ndim == 4:
            return np.stack([self.apply(frame) for frame in rgb])
        self._expect(rgb.shape[:2], self.source)
        return self._pad(resize(rgb, self.content.size))

    def apply_mask(self, mask: Pixels) -> NDArray[np.bool_]:
        """(H, W) or (T, H, W), bool or uint8 0-255, onto the canvas: half covered counts as covered."""
        if mask.ndim == 3:
            return np.stack([self.apply_mask(frame) for frame in mask])
        grey = mask.astype(np.uint8) * 255 if mask.dtype == np.bool_ else mask
        return np.asarray(self.apply(grey) >= 128)

    def undo(self, canvas: Pixels) -> Pixels:
        """(H, W) or (H, W, C) of the canvas's size -> the source's size, within the canvas's value range."""
        self._expect(canvas.shape[:2], self.canvas)
        content = canvas[self.content.rows, self.content.columns]
        if content.shape[1::-1] == self.source:
            return content
        # Cubic enlargement overshoots at hard edges.
        return np.clip(resize(content, self.source), content.min(), content.max())

    def place(self, points: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """(..., 2) points x, y in source pixels -> canvas pixels."""
        scale = np.array(
            [self.content.width / self.source.width, self.content.height / self.source.height], points.dtype
        )
        return points * scale + np.array([self.content.x, self.content.y], points.dtype)

    def _pad(self, content: Pixels) -> Pixels:
        below = self.canvas.height - self.content.y - self.content.height
        right = self.canvas.width - self.content.x - self.content.width
        if not (self.content.x or self.content.y or below or right):
            return content
        sides = [(self.content.y, below), (self.content.x, right), (0, 0)][: content.ndim]
        return np.pad(content, sides, mode="edge")

    @staticmethod
    def _expect(shape: tuple[int, ...], size: FrameSize) -> None:
        if shape != (size.height, size.width):
            raise ValueError(f"expected a picture of {size.width}x{size.height}, got {shape[1]}x{shape[0]}")


def fit(source: FrameSize, area_px: int, divisor: int = 16) -> Fit:
    """The largest picture of *source* that fits a canvas of at most *area_px* pixels.

    Both canvas sides are multiples of *divisor*. The content keeps its aspect and lies in the top left
    corner; less than *divisor* pixels are left beside or below it. A source smaller than the area is
    enlarged: the model works best at the size it was trained at.

    Raises:
        ValueError: *area_px* is smaller than one cell of divisor x divisor.
    """
    if area_px < divisor * divisor:
        raise ValueError(f"{area_px} pixels are less than one cell of {divisor}x{divisor}")
    tallest = area_px // divisor
    choices = [
        _fit_under(source, FrameSize(area_px // height // divisor * divisor, height), divisor)
        for height in range(divisor, tallest + 1, divisor)
    ]
    return max(choices, key=lambda c: (c.content.width * c.content.height, -c.canvas.width * c.canvas.height))


def _fit_under(source: FrameSize, limit: FrameSize, divisor: int) -> Fit:
    scale = min(limit.width / source.width, limit.height / source.height)
    width = min(max(1, round(source.width * scale)), limit.width)
    height = min(max(1, round(source.height * scale)), limit.height)
    canvas = FrameSize(math.ceil(width / divisor) * divisor, math.ceil(height / divisor) * divisor)
    return Fit(source, canvas, Box(0, 0, width, height))


def resize(picture: Pixels, size: FrameSize, enlarge: int = cv2.INTER_CUBIC) -> Pixels:
    """(H, W) or (H, W, C) -> *size*: averaged when it shrinks, cv2's *enlarge* when it grows."""
    if picture.shape[1::-1] == size:
        return picture
    shrinks = size.width * size.height < picture.shape[0] * picture.shape[1]
    resized: Pixels = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else enlarge)
    return resized.reshape(size.height, size.width, *picture.shape[2:])  # cv2 drops a single channel


def paste(picture: Pixels, box: Box, canvas: FrameSize) -> Pixels:
    """*picture*, of *box*'s size, at *box* on a black canvas."""
    result = np.zeros((canvas.height, canvas.width, *picture.shape[2:]), picture.dtype)
    result[box.rows, box.columns] = picture
    return result


# ---- As the reference does it ----------------------------------------------------------------------------


def reference_size(source: FrameSize, area_px: int, divisor: int = 16) -> FrameSize:
    """The size that the reference's ``resize_by_area`` really gives.

    Its search for the best size always fails on a wrong call and is silently replaced by this: both sides of
    the ideal size, rounded down (engine_spec 6.1).
    """
    height = math.sqrt(area_px / (source.width / source.height))
    width = area_px / height
    return FrameSize(int(width // divisor * divisor), int(height // divisor * divisor))


def letterbox_box(source: FrameSize, canvas: FrameSize) -> Box:
    """Where the reference's letterbox puts a picture: centred, sizes and offsets rounded down."""
    if source.height / source.width > canvas.height / canvas.width:
        width = max(1, int(canvas.height / source.height * source.width))
        return Box(int((canvas.width - width) / 2), 0, width, canvas.height)
    height = max(1, int(canvas.width / source.width * source.height))
    return Box(0, int((canvas.height - height) / 2), canvas.width, height)


def letterbox(picture: Pixels, canvas: FrameSize, interpolation: int = cv2.INTER_LINEAR) -> Pixels:
    """(H, W, C) scaled uniformly into the middle of a black canvas, exactly as the reference does."""
    box = letterbox_box(FrameSize(picture.shape[1], picture.shape[0]), canvas)
    resized = cv2.resize(picture, box.size, interpolation=interpolation)
    return paste(resized.reshape(box.height, box.width, *picture.shape[2:]), box, canvas)


def reference_content(source: FrameSize, floored: FrameSize, divisor: int = 16) -> Box | None:
    """Where *source* lies in a picture of size *floored*, if the reference could have made that from it.

    None where the sizes do not belong together. The reference's own files (src_mask, src_bg, src_pose) are of
    such sizes: nearly the clip's aspect, both sides rounded down to multiples of *divisor*.
    """
    if floored.width % divisor or floored.height % divisor or not floored.width or not floored.height:
        return None
    aspect = source.width / source.height
    lowest = max(floored.height, floored.width / aspect)
    highest = min(floored.height + divisor, (floored.width + divisor) / aspect)
    return letterbox_box(source, floored) if lowest < highest else None
