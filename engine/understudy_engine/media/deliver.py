"""A finished master in the form the artist asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.container import OutputContainer

from ..errors import UnsupportedMedia
from ..types import FrameRange, Picture
from .atomic import atomic_file, atomic_folder
from .colour import resolved
from .info import ClipInfo, ColourTags
from .mux import Timed, mux_by_time, muxer, tag
from .pixels import components, frame_of, picture_of, pixel_format
from .read import Clip, open_clip
from .rgb import from_rgb, to_rgb, to_rgb_float
from .sound import copied_track, encoded_track


class DeliveryCodec(StrEnum):
    H264 = "h264"  # MP4, visually lossless, 4:2:0 of 8 or 10 bits as the master has
    PRORES_422_HQ = "prores_422_hq"  # MOV, 4:2:2 of 10 bits
    FFV1 = "ffv1"  # the lossless master itself, MKV
    PNG_SEQUENCE = "png_sequence"  # a folder of RGB pictures of 8 or 16 bits, sound beside them

    @property
    def suffix(self) -> str:
        """The usual ending of the file's name; "" for a folder."""
        return {"h264": ".mp4", "prores_422_hq": ".mov", "ffv1": ".mkv"}.get(self.value, "")


@dataclass(frozen=True, slots=True)
class _Movie:
    """How a movie codec is written, and which sound its container takes as it is."""

    container: str
    encoder: str
    options: dict[str, str]
    sound: frozenset[str]
    new_sound: str | None  # what other sound becomes; None: PCM


_H264 = _Movie(
    "mp4",
    "libx264",
    {"crf": "14", "preset": "medium"},
    frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac"}),
    "aac",
)
_PRORES = _Movie(
    "mov",
    "prores_ks",
    {"profile": "hq", "vendor": "apl0"},
    frozenset({"aac", "mp3", "mp3float", "ac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"}),
    None,
)


def deliver(master: Path, out: Path, codec: DeliveryCodec) -> None:
    """Writes *master* to *out*, a file or (PNG) a folder, replacing what is there; whole or not at all.

    Rate, timecode, colour tags and pixel aspect are kept. Sound is copied where the container takes it, and
    otherwise becomes AAC (MP4) or PCM (MOV). H.264 and ProRes want even sizes: of odd ones the last row or
    column is repeated. RGB masters become BT.709 Y'CbCr. PNG pictures are numbered from 1, as ``NAME.000001.png``.

    Raises:
        UnsupportedMedia: the master has no frame rate.
        CorruptMedia, DiskFull: nothing is left behind.
    """
    if codec is DeliveryCodec.FFV1:
        with master.open("rb") as source, atomic_file(out) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        return
    with open_clip(master) as clip:
        if codec is DeliveryCodec.PNG_SEQUENCE:
            _write_pngs(clip, out)
        else:
            _write_movie(clip, out, _H264 if codec is DeliveryCodec.H264 else _PRORES)


def _write_movie(clip: Clip, out: Path, movie: _Movie) -> None:
    info = clip.info
    if info.rate is None:
        raise UnsupportedMedia(f"{info.path.name} has no frame rate; deliver it as pictures.")
    with ExitStack() as stack:
        container = stack.enter_context(muxer(out, movie.container))
        pix_fmt, colour = _target(info, movie)
        added = container.add_stream(movie.encoder, rate=info.rate, options=dict(movie.options))
        stream = cast("av.VideoStream", added)
        first = _even(_converted(next(clip.read(FrameRange(0, 1))), info, pix_fmt, colour))
        stream.height, stream.width = first.planes[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = 1 / info.rate
        stream.codec_context.gop_size = max(1, round(info.rate))
        tag(stream, colour, info.pixel_aspect)
        if info.timecode:
            stream.metadata["timecode"] = info.timecode
        sound = _sound(stack, container, info, movie)
        mux_by_time(container, [_encoded(clip, stream, info, colour), *sound])


def _target(info: ClipInfo, movie: _Movie) -> tuple[str, ColourTags]:
    """The pixel format to encode, and the tags that hold for it.

    These are the master's own, unless it is RGB or gray; ProRes knows limited range only.
    """
    deep = info.bit_depth > 8
    pix_fmt = "yuv422p10le" if movie is _PRORES else "yuv420p10le" if deep else "yuv420p"
    if pixel_format(info.pix_fmt).is_yuv:
        return pix_fmt, replace(info.colour, range="tv") if movie is _PRORES else info.colour
    return pix_fmt, replace(info.colour, matrix="bt709", range="tv")


def _encoded(clip: Clip, stream: av.VideoStream, info: ClipInfo, colour: ColourTags) -> Iterator[Timed]:
    rate = Fraction(info.rate or 1)
    pix_fmt = stream.codec_context.pix_fmt or ""
    for number, picture in enumerate(clip.read(FrameRange(0, info.frame_count))):
        frame = frame_of(_even(_converted(picture, info, pix_fmt, colour)))
        frame.pts, frame.time_base = number, 1 / rate
        # ProRes takes its tags from the frames, H.264 from the stream.
        frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = colour.codes()
        yield from _timed(stream.encode(frame))
    yield from _timed(stream.encode(None))


def _timed(packets: list[av.Packet[av.VideoStream]]) -> Iterator[Timed]:
    for packet in packets:
        packet.duration = packet.duration or 1
        yield Fraction(packet.dts or 0) * packet.time_base, packet


def _converted(picture: Picture, info: ClipInfo, pix_fmt: str, colour: ColourTags) -> Picture:
    """Y'CbCr keeps its matrix and changes depth, subsampling and range only; RGB and gray are converted."""
    layout = pixel_format(picture.pix_fmt)
    if picture.pix_fmt == pix_fmt:
        return picture
    if not layout.is_yuv:
        return from_rgb(to_rgb_float(picture, info.colour), pix_fmt, colour)
    frame = frame_of(picture)
    before, after = (
        2 if resolved(tags, layout, info.size.height).range == "pc" else 1
        for layout, tags in ((layout, info.colour), (pixel_format(pix_fmt), colour))
    )
    changed = frame.reformat(
        format=pix_fmt, src_color_range=before, dst_color_range=after, interpolation="BICUBIC"
    )
    return picture_of(changed)


def _even(picture: Picture) -> Picture:
    """Luma with its last row and column repeated where sides are odd; chroma covers them already."""
    luma = picture.planes[0]
    height, width = luma.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return picture
    rows = height % 2 if pixel_format(picture.pix_fmt).chroma_shift[1] else 0
    luma = np.pad(luma, ((0, rows), (0, width % 2)), mode="edge")
    return Picture((luma, *picture.planes[1:]), picture.pix_fmt)


def _sound(stack: ExitStack, out: OutputContainer, info: ClipInfo, movie: _Movie) -> list[Iterator[Timed]]:
    return [
        copied_track(stack, out, info.path, audio.index, info.start_time)
        if audio.codec in movie.sound
        else encoded_track(stack, out, info.path, audio.index, info.start_time, codec=movie.new_sound)
        for audio in info.audio_streams
    ]


def _write_pngs(clip: Clip, out: Path) -> None:
    info = clip.info
    with atomic_folder(out) as folder:
        for number, picture in enumerate(clip.read(FrameRange(0, info.frame_count)), start=1):
            (folder / f"{out.name}.{number:06d}.png").write_bytes(_png(picture, info.colour))
        if info.audio_streams:
            _write_sound(info, folder / f"{out.name}.mka")


def _png(picture: Picture, colour: ColourTags) -> bytes:
    layout = pixel_format(picture.pix_fmt)
    deep = layout.bits > 8
    maximum = 65535 if deep else 255
    rgb = np.rint(to_rgb_float(picture, colour) * maximum) if deep else to_rgb(picture, colour)
    channels = [rgb[..., ::-1].astype(np.uint16 if deep else np.uint8)]
    if layout.has_alpha:
        alpha = components(picture)["a"].astype(np.float32) * (maximum / layout.maximum)
        channels.append(np.rint(alpha).astype(channels[0].dtype)[..., None])
    done, data = cv2.imencode(".png", np.concatenate(channels, axis=-1), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise UnsupportedMedia(f"A {picture.pix_fmt} picture cannot be stored as PNG.")
    return bytes(data)


def _write_sound(info: ClipInfo, path: Path) -> None:
    with ExitStack() as stack:
        container = stack.enter_context(muxer(path, "matroska"))
        mux_by_time(
            container,
            [
                copied_track(stack, container, info.path, audio.index, info.start_time)
                for audio in info.audio_streams
            ],
        )
