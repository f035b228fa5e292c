"""Stored frames as a client wants them: decoded, shrunk, encoded. Runs in threads; one frame is held at a time."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy_api.v1 import result_pb2, types_pb2
from understudy_engine.media.info import ColourTags
from understudy_engine.media.pixels import components, pixel_format
from understudy_engine.media.rgb import to_rgb, to_rgb_float
from understudy_engine.types import FrameRange, Picture

from .errors import FrameTooLarge
from .open_clips import OpenClips

Pixels = NDArray[Any]
"""(H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA; uint8 or uint16, full range."""

PNG_LEVEL = 1  # 67 ms for a 720p frame; level 6 takes 218 ms to save 16 %
JPEG_QUALITY = 90

PNG = result_pb2.FRAME_ENCODING_PNG
JPEG = result_pb2.FRAME_ENCODING_JPEG
RAW = result_pb2.FRAME_ENCODING_RAW


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    header: result_pb2.FrameHeader
    data: bytes


def encoded_frames(
    clips: OpenClips,
    file: Path,
    frames: FrameRange,
    encoding: result_pb2.FrameEncoding.ValueType,
    max_edge_px: int,
) -> Generator[EncodedFrame]:
    """*frames* of the layer in *file*, in order. PNG and raw keep more than 8 bits where the layer has them.

    Raises MediaError if the file is damaged.
    """
    with clips.reading(file):
        for index in frames.indices:
            # No name holds anything of a frame: it would stay in memory while its reader is slow.
            yield _encoded(_shrunk(_pixels(*clips.picture(file, index)), max_edge_px), encoding)


def one_frame(
    clips: OpenClips,
    file: Path,
    index: int,
    encoding: result_pb2.FrameEncoding.ValueType,
    max_edge_px: int,
    limit_bytes: int,
) -> EncodedFrame:
    """Frame *index* of the layer in *file*, as `encoded_frames` gives it.

    Raises:
        FrameTooLarge: it has more than *limit_bytes*; the message tells the edge that fits.
        MediaError: the file is damaged.
    """
    pixels = pixels_of(clips, file, index)
    return fitting(pixels, encoding, max_edge_px, limit_bytes, ", or by StreamFrames")


def pixels_of(clips: OpenClips, file: Path, index: int) -> Pixels:
    """Frame *index* of the layer in *file*. Raises MediaError if the file is damaged."""
    return _pixels(*clips.picture(file, index))


def fitting(
    pixels: Pixels,
    encoding: result_pb2.FrameEncoding.ValueType,
    max_edge_px: int,
    limit_bytes: int,
    elsewhere: str = "",
) -> EncodedFrame:
    """*pixels*, shrunk if need be. Raises FrameTooLarge beyond *limit_bytes*; the message tells the edge that fits."""
    pixels = _shrunk(pixels, max_edge_px)
    frame = _encoded(pixels, encoding)
    if len(frame.data) > limit_bytes:
        edge = _edge_that_fits(pixels, frame, limit_bytes)
        raise FrameTooLarge(
            f"This frame has {len(frame.data)} bytes, and one answer holds {limit_bytes}. Ask for it with max_edge_px "
            f"{edge} or less{elsewhere}.",
            size_bytes=len(frame.data),
            limit_bytes=limit_bytes,
            max_edge_px=edge,
        )
    return frame


def _edge_that_fits(pixels: Pixels, frame: EncodedFrame, limit_bytes: int) -> int:
    """Tried, not guessed: how well a smaller picture packs is not known beforehand."""
    edge: int = max(pixels.shape[:2])
    encoding = frame.header.encoding
    while len(frame.data) > limit_bytes and edge > 1:
        edge = max(1, int(edge * min(0.95, math.sqrt(limit_bytes / len(frame.data)))))
        frame = _encoded(_shrunk(pixels, edge), encoding)
    return edge


def _pixels(picture: Picture, colour: ColourTags) -> Pixels:
    layout = pixel_format(picture.pix_fmt)
    deep = layout.bits > 8
    if layout.is_gray and not layout.has_alpha:
        return _to_full_depth(components(picture)["y"], layout.bits)
    rgb = _quantised(to_rgb_float(picture, colour)) if deep else to_rgb(picture, colour)
    if not layout.has_alpha:
        return rgb
    alpha = _to_full_depth(components(picture)["a"], layout.bits)
    with_alpha: Pixels = np.dstack((rgb, alpha))
    return with_alpha


def _quantised(rgb: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.rint(rgb * 65535).astype(np.uint16)


def _to_full_depth(samples: Pixels, bits: int) -> Pixels:
    """Samples of 8 or 16 bits as they are, others stretched to 16."""
    if bits in (8, 16):
        return samples
    stretched = samples.astype(np.float32) * (65535 / ((1 << bits) - 1))
    full: Pixels = np.rint(stretched).astype(np.uint16)
    return full


def _shrunk(pixels: Pixels, max_edge_px: int) -> Pixels:
    height, width = pixels.shape[:2]
    if not 0 < max_edge_px < max(height, width):
        return pixels
    scale = max_edge_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    smaller: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return smaller


def _encoded(pixels: Pixels, encoding: result_pb2.FrameEncoding.ValueType) -> EncodedFrame:
    if encoding == JPEG:
        pixels = _eight_bits(pixels if pixels.ndim == 2 else pixels[..., :3])
        data = _by_opencv(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    elif encoding == RAW:
        data = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
    else:
        data = _by_opencv(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    header = result_pb2.FrameHeader(
        size=types_pb2.FrameSize(width=pixels.shape[1], height=pixels.shape[0]),
        encoding=encoding or PNG,
        size_bytes=len(data),
        channels=1 if pixels.ndim == 2 else pixels.shape[2],
        bits=8 * pixels.dtype.itemsize,
    )
    return EncodedFrame(header, data)


def _eight_bits(pixels: Pixels) -> NDArray[np.uint8]:
    return pixels if pixels.dtype == np.uint8 else np.rint(pixels / 257).astype(np.uint8)


_TO_OPENCV = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


def _by_opencv(suffix: str, pixels: Pixels, options: list[int]) -> bytes:
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, _TO_OPENCV[pixels.shape[2]])
    _, encoded = cv2.imencode(suffix, pixels, options)
    return encoded.tobytes()
