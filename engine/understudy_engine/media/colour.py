"""Y'CbCr and R'G'B': the matrices, ranges and chroma positions, in float, in one place.

Chroma of 4:2:0 and 4:2:2 is taken as sited where MPEG-2, H.264 and HEVC put it by default: on the left luma
column, between two luma rows. Transfer curves are never touched: RGB stays in the clip's own curve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UnsupportedMedia
from .info import ColourTags
from .pixels import PixelFormat, Plane

Float = NDArray[np.float32]

# Weights of red and blue in luma (ITU-T H.273 table 4).
_LUMA_WEIGHTS: Mapping[str, tuple[float, float]] = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
}
_HD_LINES = 720


def resolved(colour: ColourTags, layout: PixelFormat, height: int) -> ColourTags:
    """The tags with matrix and range filled in where the file is silent.

    Y'CbCr: BT.709 from 720 lines on, BT.601 below, limited range. RGB and gray: always full range.
    """
    tags = tags_for(colour, layout)
    matrix = tags.matrix or ("bt709" if height >= _HD_LINES else "smpte170m")
    return replace(tags, matrix=matrix, range=tags.range or "tv")


def tags_for(colour: ColourTags, layout: PixelFormat) -> ColourTags:
    """The tags as far as they can hold for *layout*: RGB has no matrix; RGB, gray and yuvj are full range."""
    if layout.is_yuv:
        return replace(colour, range="pc") if layout.full_range else colour
    return replace(colour, matrix="" if layout.is_gray else "gbr", range="pc")


def yuv_matrix(name: str) -> Float:
    """(3, 3) from R'G'B' in 0-1 to Y' in 0-1 and Cb, Cr in -0.5 to 0.5.

    Raises:
        UnsupportedMedia: a matrix that is not a plain luma weighting (ICtCp, constant luminance, YCgCo).
    """
    if name not in _LUMA_WEIGHTS:
        raise UnsupportedMedia(
            f"The colour matrix '{name}' is not supported. Convert the clip to bt709 or bt2020nc.",
            matrix=name,
        )
    red, blue = _LUMA_WEIGHTS[name]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    return np.stack([luma, cb, cr]).astype(np.float32)


def scale_and_offset(layout: PixelFormat, range_: str, *, chroma: bool) -> tuple[float, float]:
    """A sample is ``value * scale + offset``; luma and RGB values span 0-1, chroma -0.5 to 0.5."""
    step = 1 << (layout.bits - 8)
    if range_ == "pc":
        return float(layout.maximum), float(128 * step if chroma else 0)
    return float((224 if chroma else 219) * step), float((128 if chroma else 16) * step)


def upsample(plane: Float, shift: tuple[int, int], width: int, height: int) -> Float:
    """Chroma at luma resolution, linearly between its samples."""
    if shift == (0, 0):
        return plane
    x, y = 1 / (1 << shift[0]), 1 / (1 << shift[1])
    # Left-sited across: luma column i lies at i * x. Centred down: row j lies at (j + 0.5) * y - 0.5.
    at = np.array([[x, 0, 0], [0, y, 0.5 * y - 0.5]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return _float(cv2.warpAffine(plane, at, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def downsample(plane: Float, shift: tuple[int, int]) -> Float:
    """Luma resolution to chroma resolution: 1-2-1 across (left-sited), means of rows down."""
    x, y = shift
    if x == 1:
        kernel = np.array([0.25, 0.5, 0.25], np.float32)
        one = np.ones(1, np.float32)
        plane = _float(cv2.sepFilter2D(plane, cv2.CV_32F, kernel, one, borderType=cv2.BORDER_REPLICATE))[
            :, ::2
        ]
    return block_mean(plane, (0 if x == 1 else x, y))


def block_mean(plane: Float, shift: tuple[int, int]) -> Float:
    """Means over blocks of 2**x by 2**y; the last row and column are repeated where blocks overhang."""
    x, y = 1 << shift[0], 1 << shift[1]
    height, width = plane.shape
    if x > 1 or y > 1:
        plane = np.pad(plane, ((0, -height % y), (0, -width % x)), mode="edge")
        rows, columns = plane.shape
        plane = plane.reshape(rows // y, y, columns // x, x).mean(axis=(1, 3), dtype=np.float32)
    return plane


def _float(array: Any) -> Float:
    result: Float = np.asarray(array, np.float32)
    return result


def clipped(values: Float) -> Float:
    """Values kept in 0-1, in place."""
    np.clip(values, 0, 1, out=values)
    return values


def quantise(values: Float, layout: PixelFormat) -> Plane:
    """Rounded to the nearest sample value and kept inside the format."""
    samples: Plane = np.clip(np.floor(values + np.float32(0.5)), 0, layout.maximum).astype(layout.dtype)
    return samples
