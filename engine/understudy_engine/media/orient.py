"""Turning pictures upright without touching samples."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType

from ..types import Picture
from .pixels import Plane, is_pixel_format, pixel_format


class Orientation(NamedTuple):
    """Transpose first, then mirror."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False
    degrees: int = 0  # clockwise, for telling; a mirrored picture counts its rotation part


_RIGHT_ANGLES = {
    90: Orientation(True, True, False, 90),
    180: Orientation(False, True, True, 180),
    270: Orientation(True, False, True, 270),
}


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """From the display matrix that a movie's frame carries (ISO 14496-12, tkhd)."""
    try:
        data: Any = frame.side_data.get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-overload]  # PyAV's stub
    except ValueError:  # PyAV 18 gives up where a frame carries side data newer than its list
        return _RIGHT_ANGLES.get(-frame.rotation % 360, Orientation())
    if data is None:
        return Orientation()
    # The matrix takes the stored (x, y) to the shown (a*x + c*y, b*x + d*y); y counts downwards.
    a, b, _, c, d, *_ = (int(value) for value in np.frombuffer(data, "<i4"))
    degrees = round(math.degrees(math.atan2(b, a))) % 360
    if abs(a) >= abs(b):
        return Orientation(False, a < 0, d < 0, degrees)
    return Orientation(True, c < 0, b < 0, degrees)


def upright(picture: Picture, orientation: Orientation) -> Picture:
    """The picture turned by *orientation*, samples untouched.

    4:2:2 turned by a quarter becomes 4:4:0; where FFmpeg has no such twin (4:1:1, or with alpha) the chroma
    samples are repeated to 4:4:4.
    """
    if not any(orientation[:3]):
        return picture
    if orientation.transpose:
        picture = _transposable(picture)
    planes = tuple(np.ascontiguousarray(_turned(plane, orientation)) for plane in picture.planes)
    return Picture(planes, _turned_format(picture.pix_fmt) if orientation.transpose else picture.pix_fmt)


def _turned(plane: Plane, orientation: Orientation) -> Plane:
    if orientation.transpose:
        plane = plane.swapaxes(0, 1)
    if orientation.mirror_x:
        plane = plane[:, ::-1]
    return plane[::-1] if orientation.mirror_y else plane


def _turned_format(pix_fmt: str) -> str:
    swap = {"422": "440", "440": "422"}
    shift = pixel_format(pix_fmt).chroma_shift
    if shift[0] == shift[1]:
        return pix_fmt
    old = next(digits for digits in swap if digits in pix_fmt)
    return pix_fmt.replace(old, swap[old])


def _transposable(picture: Picture) -> Picture:
    layout = pixel_format(picture.pix_fmt)
    x, y = layout.chroma_shift
    if x == y or (x + y == 1 and _is_known(_turned_format(picture.pix_fmt))):
        return picture
    height, width = picture.planes[0].shape[:2]
    full = [
        plane.repeat(1 << layout.shift(i)[1], 0).repeat(1 << layout.shift(i)[0], 1)[:height, :width]
        for i, plane in enumerate(picture.planes)
    ]
    return Picture(tuple(full), re.sub(r"4\d\d", "444", picture.pix_fmt, count=1))


def _is_known(pix_fmt: str) -> bool:
    try:
        av.VideoFormat(pix_fmt)
    except ValueError:
        return False
    return is_pixel_format(pix_fmt)
