"""Real files: what they are, and any frame of them as pixels."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
"""(H, W, 4): red, green, blue and alpha from 0 to 1, alpha straight."""

STILLS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx", ".exr", ".bmp"}
SOUNDS = {".wav", ".mp3", ".aac", ".flac"}
CODEC_NAMES = {
    "h264": "H.264",
    "prores": "Apple ProRes 422 HQ",
    "dnxhd": "DNxHR HQX",
    "exr": "EXR",
    "png": "PNG",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    kind: str
    rate: Fraction = Fraction(24)
    frames: int = 0
    width: int = 0
    height: int = 0
    start_timecode: str = "00:00:00:00"
    codec: str = ""
    has_sound: bool = False
    reel_name: str = ""


def looked_at(path: Path) -> FileFacts | None:
    """What *path* holds, or None where it is no media."""
    try:
        with av.open(str(path)) as container:
            return _facts(path, container)
    except (av.FFmpegError, OSError, ValueError):
        return None


def _facts(path: Path, container: Any) -> FileFacts | None:
    sound = bool(container.streams.audio)
    if not container.streams.video:
        return FileFacts(kind="Audio", has_sound=True) if sound else None
    stream = container.streams.video[0]
    tags = {**container.metadata, **stream.metadata}
    for data in container.streams.data:
        tags |= data.metadata
    still = path.suffix.lower() in STILLS
    frames = 1 if still else stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
    return FileFacts(
        kind="Still" if still else "Video + Audio" if sound else "Video",
        rate=Fraction(24) if still else Fraction(stream.average_rate or 24),
        frames=frames,
        width=stream.width,
        height=stream.height,
        start_timecode=tags.get("timecode", "00:00:00:00"),
        codec=CODEC_NAMES.get(stream.codec_context.name, stream.codec_context.name),
        has_sound=sound,
        reel_name=tags.get("reel_name", ""),
    )


@lru_cache(maxsize=32)
def _every_frame(path: Path, size_and_time: tuple[int, int]) -> tuple[Pixels, ...]:
    with av.open(str(path)) as container:
        return tuple(as_pixels(frame) for frame in container.decode(video=0))


def frame_at(path: Path, number: int, sequence_start: int | None = None) -> Pixels | None:
    """Frame *number* from 0; of a sequence, *path* is the printf pattern. None where the file has no such frame."""
    if sequence_start is not None:
        path, number = Path(str(path) % (sequence_start + number)), 0
    try:
        stat = path.stat()
        frames = _every_frame(path, (stat.st_size, stat.st_mtime_ns))
    except (OSError, av.FFmpegError):
        return None
    if path.suffix.lower() in STILLS:
        number = 0
    return frames[number] if 0 <= number < len(frames) else None


def as_pixels(frame: av.VideoFrame) -> Pixels:
    if frame.format.name.startswith("gbr") and "f32" in frame.format.name:
        return with_alpha(np.clip(frame.to_ndarray().astype(np.float32), 0, 1))
    deep = reformatted(frame, "rgba64le").to_ndarray()
    return deep.astype(np.float32) / np.float32(65535)


def reformatted(frame: av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    """*frame* in another pixel format, by a converter that is set up once for all of its kind: that takes longest."""
    converter = _converter(frame.format.name, pix_fmt, frame.width, frame.height)
    return converter.reformat(frame, format=pix_fmt)


@lru_cache(maxsize=64)
def _converter(source: str, target: str, width: int, height: int) -> VideoReformatter:
    return VideoReformatter()


def with_alpha(pixels: NDArray[np.float32]) -> Pixels:
    if pixels.shape[-1] == 4:
        return pixels
    opaque = np.ones((*pixels.shape[:2], 1), np.float32)
    return np.concatenate([pixels, opaque], axis=-1, dtype=np.float32)
