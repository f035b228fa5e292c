"""Small clips whose every frame shows its own number, in blocks that survive H.264."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from understudy_engine.media.pixels import pixel_format
from understudy_engine.types import FrameSize, Picture

SIZE = FrameSize(64, 48)
BITS = 8


def numbered_rgb(number: int, size: FrameSize = SIZE) -> NDArray[np.uint8]:
    """(H, W, 3): bit b of *number* is white or black in column b of eight; the lower half is tinted by it."""
    columns = np.arange(size.width) * BITS // size.width
    shade = np.where(number >> columns & 1, 230, 25).astype(np.uint8)
    picture = np.repeat(np.broadcast_to(shade, (size.height, size.width))[..., None], 3, axis=2).copy()
    picture[size.height // 2 :, :, 2] = 40 + number % 64 * 3
    return picture


def shown_number(gray: NDArray[Any], maximum: float = 255) -> int:
    """The number in the upper third of a picture's luma (or RGB mean), as `numbered_rgb` put it there."""
    height, width = gray.shape[:2]
    top = gray[: height // 3].reshape(height // 3, width, -1).mean(axis=(0, 2))
    blocks = [top[columns].mean() for columns in np.array_split(np.arange(width), BITS)]
    return sum(int(value > maximum / 2) << bit for bit, value in enumerate(blocks))


def number_in(picture: Picture) -> int:
    return shown_number(picture.planes[0], pixel_format(picture.pix_fmt).maximum)


def make_clip(
    path: Path,
    frames: int | Iterable[int],
    *,
    rate: Fraction = Fraction(24),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: FrameSize = SIZE,
    options: dict[str, str] | None = None,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rotation_degrees: int = 0,
    sound: NDArray[Any] | None = None,
    sound_codec: str = "pcm_s16le",
    sample_rate: int = 48_000,
    timecode: str = "",
    colour: tuple[int, int, int, int] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """A clip of the given frame numbers (or that many), shown at *ticks* of *time_base* where given.

    *sound* is (samples, channels); *colour* are codes of primaries, transfer, matrix and range.
    """
    numbers = list(range(frames) if isinstance(frames, int) else frames)
    time_base = time_base or 1 / rate
    with av.open(path, "w", container_options=container_options or {}) as container:
        stream: Any = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, pix_fmt
        stream.codec_context.time_base = time_base
        if rotation_degrees:
            stream.set_display_rotation(-rotation_degrees)
        if timecode:
            stream.metadata["timecode"] = timecode
        if colour:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace, context.color_range = colour
        track: Any = None
        if sound is not None:
            layout = "mono" if sound.shape[1] == 1 else "stereo"
            track = container.add_stream(sound_codec, rate=sample_rate, layout=layout)
        for place, number in enumerate(numbers):
            frame = av.VideoFrame.from_ndarray(numbered_rgb(number, size), "rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = place if ticks is None else ticks[place], time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if track is not None:
            _write_sound(container, track, sound, sample_rate)
    return path


def _write_sound(container: Any, track: Any, sound: Any, sample_rate: int) -> None:
    kind = {"int16": "s16", "float32": "flt"}[sound.dtype.name]
    layout = track.codec_context.layout.name
    for start in range(0, len(sound), 1024):
        block = np.ascontiguousarray(sound[start : start + 1024]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, format=kind, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, Fraction(1, sample_rate)
        container.mux(track.encode(frame))
    container.mux(track.encode(None))


def counting_sound(samples: int, channels: int = 2) -> NDArray[np.int16]:
    """Sound whose every sample tells its own place (within 65,536)."""
    ramp = (np.arange(samples) % 65536 - 32768).astype(np.int16)
    return np.stack([ramp, ramp[::-1]][:channels], axis=1)


def heard(path: Path, stream: int = 0) -> tuple[Fraction, NDArray[Any]]:
    """(time of the first sample in s, samples (n, channels)) of an audio stream."""
    blocks, start = [], None
    with av.open(path) as container:
        for frame in container.decode(audio=stream):
            if start is None:
                start = (frame.pts or 0) * Fraction(frame.time_base or 1)
            samples = frame.to_ndarray()
            planar = frame.format.is_planar
            blocks.append(samples.T if planar else samples.reshape(-1, frame.layout.nb_channels))
    assert start is not None
    return start, np.concatenate(blocks)


def random_picture(rng: np.random.Generator, pix_fmt: str, size: FrameSize) -> Picture:
    layout = pixel_format(pix_fmt)
    planes = []
    for i in range(1 if layout.packed else len(layout.channels)):
        width, height = layout.plane_size(i, size)
        shape = (height, width, len(layout.channels)) if layout.packed else (height, width)
        planes.append(rng.integers(0, layout.maximum + 1, shape).astype(layout.dtype))
    return Picture(tuple(planes), pix_fmt)


def png_of(**chunks: bytes) -> bytes:
    """A PNG file of the given chunks, in order."""
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks.items():
        checksum = zlib.crc32(name.encode() + body)
        data += struct.pack(">I", len(body)) + name.encode() + body + struct.pack(">I", checksum)
    return data
