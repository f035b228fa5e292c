"""Pixel formats as data, and `Picture` to and from PyAV's frames, sample for sample."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import av
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from ..errors import UnsupportedMedia
from ..types import FrameSize, Picture

Plane = NDArray[Any]

_YUV = re.compile(r"yuv(?P<kind>[aj]?)(?P<chroma>4[1-4][0-4])p(?P<bits>9|10|12|14|16)?(le)?")
_GRAY = re.compile(r"gray(?P<bits>9|10|12|14|16)?(le)?")
_GBR = re.compile(r"gbr(?P<alpha>a?)p(?P<bits>9|10|12|14|16)?(le)?")
_CHROMA_SHIFTS = {"444": (0, 0), "422": (1, 0), "420": (1, 1), "440": (0, 1), "411": (2, 0), "410": (2, 2)}
_PACKED_8 = {"rgb24": "rgb", "bgr24": "bgr", "ya8": "ya"} | {
    order: order for order in ("rgba", "bgra", "argb", "abgr", "rgb0", "bgr0", "0rgb", "0bgr")
}
_PACKED_16 = {"rgb48le": "rgb", "bgr48le": "bgr", "rgba64le": "rgba", "bgra64le": "bgra", "ya16le": "ya"}

# Formats that only order the same samples differently: read as the format on the right.
_SAME_SAMPLES = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "yvyu422": "yuv422p",
    "p010le": "yuv420p10le",
    "p210le": "yuv422p10le",
    "p410le": "yuv444p10le",
    "p016le": "yuv420p16le",
    "pal8": "rgba",
    "monob": "gray",
    "monow": "gray",
}

# Formats of floating-point samples: their type, and the format they are read as.
_FLOATS = {
    f"{name}{kind}le": (dtype, f"{twin}16le")
    for name, twin in (("gbrpf", "gbrp"), ("gbrapf", "gbrap"), ("grayf", "gray"))
    for kind, dtype in ((16, "<f2"), (32, "<f4"))
}


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How a picture's samples lie in its planes.

    *channels* names, letter by letter, the planes of a planar format ("yuv", "gbra") or the last axis of a
    packed one ("bgr0", where 0 is padding).
    """

    name: str
    channels: str
    bits: int
    packed: bool = False
    chroma_shift: tuple[int, int] = (0, 0)  # (x, y): a chroma sample covers 2**x by 2**y luma samples
    full_range: bool = False  # yuvj*: full range by name

    @property
    def is_yuv(self) -> bool:
        return self.channels.startswith("yuv")

    @property
    def is_gray(self) -> bool:
        return self.channels in ("y", "ya")

    @property
    def has_alpha(self) -> bool:
        return "a" in self.channels

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def maximum(self) -> int:
        """The largest sample value."""
        return (1 << self.bits) - 1

    def shift(self, plane: int) -> tuple[int, int]:
        """(x, y) subsampling of plane number *plane*, as powers of two."""
        return self.chroma_shift if plane in (1, 2) and self.is_yuv else (0, 0)

    def plane_size(self, plane: int, size: FrameSize) -> FrameSize:
        x, y = self.shift(plane)
        return FrameSize(-(-size.width >> x), -(-size.height >> y))


@cache
def pixel_format(name: str) -> PixelFormat:
    """The layout of FFmpeg's pixel format *name*.

    Raises:
        UnsupportedMedia: samples of this kind (float, Bayer, hardware) have no `Picture`.
    """
    found = _parse(name)
    if found is None:
        raise UnsupportedMedia(
            f"Pictures stored as '{name}' are not supported; convert to yuv, rgb or gray of 8 to 16 bits.",
            pix_fmt=name,
        )
    return found


def _parse(name: str) -> PixelFormat | None:
    if name in _PACKED_8:
        return PixelFormat(name, _PACKED_8[name], 8, packed=True)
    if name in _PACKED_16:
        return PixelFormat(name, _PACKED_16[name], 16, packed=True)
    if match := _YUV.fullmatch(name):
        shift = _CHROMA_SHIFTS.get(match["chroma"])
        channels = "yuva" if match["kind"] == "a" else "yuv"
        if shift is not None:
            return PixelFormat(name, channels, int(match["bits"] or 8), False, shift, match["kind"] == "j")
    if match := _GBR.fullmatch(name):
        return PixelFormat(name, "gbra" if match["alpha"] else "gbr", int(match["bits"] or 8))
    if match := _GRAY.fullmatch(name):
        return PixelFormat(name, "y", int(match["bits"] or 8))
    return None


def is_pixel_format(name: str) -> bool:
    """Whether `Picture` can hold FFmpeg's pixel format *name* as it is."""
    return _parse(name) is not None


def size_of(picture: Picture) -> FrameSize:
    height, width = picture.planes[0].shape[:2]
    return FrameSize(width, height)


def components(picture: Picture) -> dict[str, Plane]:
    """The picture's channels by letter (y u v a g r b), as views; padding is left out."""
    layout = pixel_format(picture.pix_fmt)
    if layout.packed:
        planes = [picture.planes[0][..., i] for i in range(len(layout.channels))]
    else:
        planes = list(picture.planes)
    return {letter: plane for letter, plane in zip(layout.channels, planes, strict=True) if letter != "0"}


def assemble(channels: Mapping[str, Plane], pix_fmt: str) -> Picture:
    """A picture of *pix_fmt* from channels by letter; absent alpha and padding become opaque."""
    layout = pixel_format(pix_fmt)
    first = next(iter(channels.values()))
    opaque = np.full(first.shape, layout.maximum, layout.dtype)
    planes = [channels.get(letter, opaque) for letter in layout.channels]
    if layout.packed:
        return Picture((np.stack(planes, axis=-1),), pix_fmt)
    return Picture(tuple(np.ascontiguousarray(plane) for plane in planes), pix_fmt)


def picture_of(frame: av.VideoFrame) -> Picture:
    """The frame's samples as a `Picture` of its own (copied; nothing refers to the decoder's memory).

    Formats that only order the same samples differently (nv12, yuyv422, big-endian) become their planar or
    little-endian twin without loss. Floating-point RGB (EXR) becomes 16 bits, clipped to 0-1.

    Raises:
        UnsupportedMedia: `pixel_format` does not know the samples.
    """
    name = frame.format.name
    if name in _FLOATS:
        return _quantised(frame)
    if not is_pixel_format(name):
        twin = _SAME_SAMPLES.get(name) or re.sub("be$", "le", name)
        name = pixel_format(twin).name
        frame = frame.reformat(format=name)
    layout = pixel_format(name)
    size = FrameSize(frame.width, frame.height)
    depth = len(layout.channels) if layout.packed else 1
    planes = []
    for i, plane in enumerate(frame.planes):
        width, height = layout.plane_size(i, size)
        rows = _rows(plane)[:height]
        samples = np.ascontiguousarray(rows[:, : width * depth * layout.dtype.itemsize]).view(layout.dtype)
        planes.append(samples.reshape(height, width, depth) if layout.packed else samples)
    return Picture(tuple(planes), name)


def _quantised(frame: av.VideoFrame) -> Picture:
    planes = [
        np.rint(np.clip(np.nan_to_num(plane), 0.0, 1.0) * 65535).astype(np.uint16)
        for plane in float_planes(frame)
    ]
    return Picture(tuple(planes), _FLOATS[frame.format.name][1])


def float_planes(frame: av.VideoFrame) -> list[NDArray[np.float32]]:
    """The planes, each (H, W), of a frame of floating-point or half-float samples, in the format's order."""
    dtype = np.dtype(_FLOATS[frame.format.name][0])
    row_bytes = frame.width * dtype.itemsize
    return [
        np.ascontiguousarray(_rows(plane)[: frame.height, :row_bytes]).view(dtype).astype(np.float32)
        for plane in frame.planes
    ]


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """The plane's memory, one padded row a line."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


def frame_of(picture: Picture) -> av.VideoFrame:
    """A PyAV frame holding exactly the picture's samples."""
    width, height = size_of(picture)
    frame = av.VideoFrame(width, height, picture.pix_fmt)
    for plane, samples in zip(frame.planes, picture.planes, strict=True):
        rows = np.ascontiguousarray(samples).reshape(len(samples), -1).view(np.uint8)
        target = _rows(plane)
        target[: rows.shape[0], : rows.shape[1]] = rows
    return frame
