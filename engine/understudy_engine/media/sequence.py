"""A master as numbered pictures, PNG or OpenEXR, and those pictures held against the master sample by sample."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptMedia, UnsupportedMedia
from ..types import FrameRange, Picture
from .colour import Float
from .container import opened
from .encode import alpha_of
from .exr_header import described
from .info import ClipInfo, ColourTags
from .light import linear_light
from .mux import Progress, mux_by_time, muxer
from .pixels import components, float_planes, pixel_format
from .read import Clip
from .rgb import to_rgb, to_rgb_float
from .sound import copied_track
from .timecode import advance

_PNG_LEVEL = 3


class Stills(Protocol):
    """A format of single pictures."""

    suffix: str

    def samples(self, picture: Picture, colour: ColourTags) -> NDArray[Any]:
        """What a file has to hold, (H, W) or (H, W, channels)."""
        ...

    def encoded(self, samples: NDArray[Any], number: int) -> bytes:
        """The file of picture *number*, counted from 0."""
        ...

    def decoded(self, path: Path) -> NDArray[Any]:
        """What a file holds; raises MediaError if it cannot be read."""
        ...


def write_sequence(clip: Clip, folder: Path, stills: Stills, progress: Progress) -> None:
    """Makes *folder* with ``FOLDER.000001.suffix`` and so on, and the sound as ``FOLDER.mka``."""
    info = clip.info
    folder.mkdir()
    for number, picture in enumerate(clip.read(FrameRange(0, info.frame_count)), start=1):
        samples = stills.samples(picture, info.colour)
        _file(folder, number, stills).write_bytes(stills.encoded(samples, number - 1))
        progress(number / info.frame_count)
    if info.audio_streams:
        _write_sound(info, folder / f"{folder.name}.mka")


def check_sequence(clip: Clip, folder: Path, stills: Stills, progress: Progress) -> None:
    """Raises CorruptMedia unless every picture of the clip is there with exactly its samples."""
    info = clip.info
    found = len(list(folder.glob(f"*{stills.suffix}")))
    if found != info.frame_count:
        raise CorruptMedia(
            f"{found} pictures were written, not {info.frame_count}. Export again.", found=found
        )
    for number, picture in enumerate(clip.read(FrameRange(0, info.frame_count)), start=1):
        path = _file(folder, number, stills)
        if not np.array_equal(stills.decoded(path), stills.samples(picture, info.colour)):
            raise CorruptMedia(
                f"{path.name} came back with other samples than were written. Nothing was put in place; check the "
                "disk and export again.",
                frame=number - 1,
            )
        progress(number / info.frame_count)


def _file(folder: Path, number: int, stills: Stills) -> Path:
    return folder / f"{folder.name}.{number:06d}{stills.suffix}"


class Png:
    """Gray, RGB or RGBA (straight) of 8 bits, or of 16 where the picture has more; in the clip's own curve."""

    suffix = ".png"

    def samples(self, picture: Picture, colour: ColourTags) -> NDArray[Any]:
        layout = pixel_format(picture.pix_fmt)
        deep = layout.bits > 8
        maximum, dtype = (65535, np.uint16) if deep else (255, np.uint8)
        if layout.is_gray and not layout.has_alpha:
            gray = components(picture)["y"].astype(np.float32) * (maximum / layout.maximum)
            return np.asarray(np.rint(gray), dtype)
        rgb = np.rint(to_rgb_float(picture, colour) * maximum) if deep else to_rgb(picture, colour)
        channels = [rgb[..., ::-1].astype(dtype)]
        alpha = alpha_of(picture)
        if alpha is not None:
            channels.append(np.rint(alpha * np.float32(maximum)).astype(dtype)[..., None])
        bgra: NDArray[Any] = np.concatenate(channels, axis=-1)  # in OpenCV's order
        return bgra

    def encoded(self, samples: NDArray[Any], number: int) -> bytes:
        done, data = cv2.imencode(".png", samples, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
        if not done:
            raise UnsupportedMedia(f"A picture of {samples.shape} {samples.dtype} cannot be stored as PNG.")
        return bytes(data)

    def decoded(self, path: Path) -> NDArray[Any]:
        found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        if found is None:
            raise CorruptMedia(f"{path.name} cannot be read back. Check the disk and export again.")
        return np.asarray(found)


class Exr:
    """Half-float RGB in linear light, ZIP compressed; with alpha, colour is multiplied by it, as OpenEXR asks.

    Args:
        light: the samples are light, and are made linear by `light.linear_light`; False for a matte, whose samples
            are amounts and stay as they are.
        info: of the clip; its rate, timecode and primaries are told in every picture.
    """

    suffix = ".exr"

    def __init__(self, info: ClipInfo, *, light: bool) -> None:
        self._light = light
        self._info = info

    def samples(self, picture: Picture, colour: ColourTags) -> NDArray[Any]:
        rgb: Float = to_rgb_float(picture, colour)
        if self._light:
            is_yuv = pixel_format(picture.pix_fmt).is_yuv
            rgb = linear_light(rgb, colour.transfer, is_yuv=is_yuv)
        alpha = alpha_of(picture)
        channels = rgb if alpha is None else np.dstack([rgb * alpha[..., None], alpha])
        return channels.astype(np.float16)

    def encoded(self, samples: NDArray[Any], number: int) -> bytes:
        info = self._info
        timecode = advance(info.timecode, number, info.rate) if info.rate else ""
        plain = self._plain(samples)
        return described(plain, rate=info.rate, timecode=timecode, primaries=info.colour.primaries)

    def _plain(self, samples: NDArray[Any]) -> bytes:
        height, width, channels = samples.shape
        name = "gbrpf32le" if channels == 3 else "gbrapf32le"
        context = av.CodecContext.create("exr", "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, name
        context.time_base = Fraction(1, 24)  # the file does not tell it
        context.options = {"format": "half", "compression": "zip16"}
        frame = av.VideoFrame(width, height, name)
        for plane, channel in zip(frame.planes, (1, 2, 0, 3), strict=False):  # G B R A
            rows = np.frombuffer(memoryview(plane), np.float32).reshape(-1, plane.line_size // 4)
            rows[:height, :width] = samples[..., channel]
        frame.pts = 0
        return b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))

    def decoded(self, path: Path) -> NDArray[Any]:
        with opened(path, pictures=True) as container:
            frame = next(iter(container.decode(video=0)), None)
        if frame is None:
            raise CorruptMedia(f"{path.name} cannot be read back. Check the disk and export again.")
        green, blue, red, *alpha = float_planes(frame)
        return np.dstack([red, green, blue, *alpha]).astype(np.float16)


def _write_sound(info: ClipInfo, path: Path) -> None:
    with ExitStack() as stack:
        container = stack.enter_context(muxer(path, "matroska"))
        if info.timecode:
            container.metadata["timecode"] = info.timecode
        tracks = [
            copied_track(stack, container, info.path, audio.index, info.start_time)
            for audio in info.audio_streams
        ]
        mux_by_time(container, tracks)
