"""A master as a movie in a delivery codec, and that movie held against the master."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.container import OutputContainer

from ..errors import CorruptMedia, UnsupportedMedia
from ..types import FrameRange, FrameSize, Picture
from .ahead import ahead
from .colour import Float, quantise, resolved
from .info import ClipInfo, ColourTags
from .mux import Progress, Timed, mux_by_time, muxer, tag
from .pixels import assemble, components, frame_of, picture_of, pixel_format, size_of
from .read import Clip, open_clip
from .rgb import sample_values, to_rgb_float
from .sound import copied_track, encoded_track

PSNR_FLOOR_DB = 36.0
"""Of every channel of every frame in means over 8 x 8 samples. Pure noise, the worst there is, has 41 dB and more in
every codec here; pictures with grain 58. Limited range taken for full has 28."""

_BLOCK = 8
_SOUND_BEYOND_S = 60  # of sound encoded anew: silence needs no bytes, and a few may be told to last for years


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieFormat:
    """How a movie codec is written, and which sound its container takes as it is."""

    container: str
    encoder: str
    options: dict[str, str]
    eight_bits: str  # pixel format for masters of 8 bits
    deep: str  # for masters of more
    with_alpha: str = ""  # for masters with alpha; "" = alpha becomes black behind the picture
    limited_only: bool = False  # knows limited range only
    sound: frozenset[str]
    new_sound: str | None  # what other sound becomes; None: PCM
    least: FrameSize = field(default=FrameSize(1, 1))


_MOV_SOUND = frozenset(
    {"aac", "mp3", "mp3float", "ac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"}
)
H264 = MovieFormat(
    container="mp4",
    encoder="libx264",
    options={"crf": "14", "preset": "medium"},
    eight_bits="yuv420p",
    deep="yuv420p10le",
    sound=frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac"}),
    new_sound="aac",
)
PRORES_422_HQ = MovieFormat(
    container="mov",
    encoder="prores_ks",
    options={"profile": "hq", "vendor": "apl0"},
    eight_bits="yuv422p10le",
    deep="yuv422p10le",
    limited_only=True,
    sound=_MOV_SOUND,
    new_sound=None,
)
PRORES_4444 = replace(
    PRORES_422_HQ,
    options={"profile": "4444", "vendor": "apl0", "alpha_bits": "16"},
    eight_bits="yuv444p10le",
    deep="yuv444p10le",
    with_alpha="yuva444p10le",
)
DNXHR_HQX = replace(
    PRORES_422_HQ, encoder="dnxhd", options={"profile": "dnxhr_hqx"}, least=FrameSize(256, 120)
)


@dataclass(frozen=True, slots=True)
class _Target:
    """What is encoded: its pixel format, and the tags that hold for it."""

    pix_fmt: str
    colour: ColourTags

    def picture(self, picture: Picture, info: ClipInfo) -> Picture:
        """A picture of the master as it goes to the encoder."""
        return _even(_converted(picture, info, self.pix_fmt, self.colour))


def write_movie(clip: Clip, out: Path, movie: MovieFormat, progress: Progress) -> None:
    """Encodes the clip with its sound, timecode and tags.

    Raises:
        UnsupportedMedia: the clip has no frame rate, or is smaller than the codec can be.
    """
    info = clip.info
    if info.rate is None:
        raise UnsupportedMedia(f"{info.path.name} has no frame rate; deliver it as pictures.")
    _check_size(info.size, movie)
    target = _target(info, movie)
    with ExitStack() as stack:
        container = stack.enter_context(muxer(out, movie.container))
        added = container.add_stream(movie.encoder, rate=info.rate, options=dict(movie.options))
        stream = cast("av.VideoStream", added)
        first = target.picture(next(clip.read(FrameRange(0, 1))), info)
        stream.width, stream.height = size_of(first)
        stream.pix_fmt = target.pix_fmt
        stream.codec_context.time_base = 1 / info.rate
        stream.codec_context.gop_size = max(1, round(info.rate))
        tag(stream, target.colour, info.pixel_aspect)
        if info.timecode:
            stream.metadata["timecode"] = info.timecode
        sound = _sound(stack, container, info, movie)
        pictures = (
            frame_of(target.picture(picture, info)) for picture in clip.read(FrameRange(0, info.frame_count))
        )
        frames = stack.enter_context(ahead(pictures))
        mux_by_time(container, [_encoded(frames, info, stream, target, progress), *sound])


def check_movie(clip: Clip, out: Path, movie: MovieFormat, progress: Progress) -> None:
    """Reads *out* back: length, rate, size, timecode, sound tracks, and every frame by `PSNR_FLOOR_DB`.

    Raises:
        CorruptMedia: it is not what the clip is; the message names what differs.
    """
    info, target = clip.info, _target(clip.info, movie)
    with open_clip(out) as written:
        found = written.info
        expected_size = size_of(target.picture(next(clip.read(FrameRange(0, 1))), info))
        _same("frames", found.frame_count, info.frame_count)
        _same("frames a second", found.rate, info.rate)
        _same("pixels", tuple(found.size), tuple(expected_size))
        _same("as timecode", found.timecode, info.timecode)
        _same("sound tracks", len(found.audio_streams), len(info.audio_streams))
        frames = FrameRange(0, info.frame_count)
        meant = (target.picture(picture, info) for picture in clip.read(frames))
        with ahead(meant) as ours, ahead(written.read(frames)) as theirs:
            for number, pair in enumerate(zip(ours, theirs, strict=True)):
                _alike(number, psnr(*pair), out)
                progress((number + 1) / info.frame_count)


def _alike(number: int, likeness_db: float, out: Path) -> None:
    if likeness_db < PSNR_FLOOR_DB:
        raise CorruptMedia(
            f"Frame {number} of the written {out.suffix or 'file'} differs from the result: {likeness_db:.1f} dB, at "
            f"least {PSNR_FLOOR_DB:.0f} were expected. Nothing was put in place; export again, or in another codec.",
            frame=number,
            psnr_db=round(likeness_db, 1),
        )


def psnr(one: Picture, other: Picture) -> float:
    """Likeness in dB of the channel that is least alike, in means over 8 x 8 samples; inf for equal pictures.

    Pictures of the same size and channels; their depths may differ.
    """
    ours, theirs = _block_means(one), _block_means(other)
    errors = [float(np.mean((ours[letter] - theirs[letter]) ** 2)) for letter in ours]
    worst = max(errors)
    return float("inf") if worst == 0 else -10 * float(np.log10(worst))


def _block_means(picture: Picture) -> dict[str, Float]:
    maximum = np.float32(pixel_format(picture.pix_fmt).maximum)
    means = {}
    for letter, samples in components(picture).items():
        height, width = samples.shape
        size = (-(-width // _BLOCK), -(-height // _BLOCK))
        small = cv2.resize(samples.astype(np.float32) / maximum, size, interpolation=cv2.INTER_AREA)
        means[letter] = np.asarray(small, np.float32)
    return means


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise CorruptMedia(
            f"The written file has {found or 'nothing'} {what}, not {expected or 'nothing'}. Nothing was put in place; "
            "export again, or in another codec.",
            found=str(found),
            expected=str(expected),
        )


def _check_size(size: FrameSize, movie: MovieFormat) -> None:
    least = movie.least
    if size.width < least.width or size.height < least.height:
        raise UnsupportedMedia(
            f"DNxHR begins at {least.width} x {least.height}; this is {size.width} x {size.height}. Choose ProRes.",
            width=size.width,
            height=size.height,
        )


def _target(info: ClipInfo, movie: MovieFormat) -> _Target:
    """The tags are the master's own, unless it is RGB or gray: that becomes BT.709 of limited range."""
    layout = pixel_format(info.pix_fmt)
    pix_fmt = movie.deep if info.bit_depth > 8 else movie.eight_bits
    if layout.has_alpha:
        pix_fmt = movie.with_alpha or pix_fmt
    if layout.is_yuv:
        return _Target(pix_fmt, replace(info.colour, range="tv") if movie.limited_only else info.colour)
    return _Target(pix_fmt, replace(info.colour, matrix="bt709", range="tv"))


def _encoded(
    frames: Iterator[av.VideoFrame],
    info: ClipInfo,
    stream: av.VideoStream,
    target: _Target,
    progress: Progress,
) -> Iterator[Timed]:
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, 1 / Fraction(info.rate or 1)
        # ProRes takes its tags from the frames, H.264 from the stream.
        frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = target.colour.codes()
        yield from _timed(stream.encode(frame))
        progress((number + 1) / info.frame_count)
    yield from _timed(stream.encode(None))


def _timed(packets: list[av.Packet[av.VideoStream]]) -> Iterator[Timed]:
    for packet in packets:
        packet.duration = packet.duration or 1
        yield Fraction(packet.dts or 0) * packet.time_base, packet


def _converted(picture: Picture, info: ClipInfo, pix_fmt: str, colour: ColourTags) -> Picture:
    """Y'CbCr keeps its matrix and changes depth, subsampling and range only; the rest is converted by way of RGB."""
    layout = pixel_format(picture.pix_fmt)
    if picture.pix_fmt == pix_fmt:
        return picture
    if layout.has_alpha or not layout.is_yuv:
        return _by_rgb(picture, info.colour, pix_fmt, colour)
    frame = frame_of(picture)
    before, after = (
        2 if resolved(tags, layout, info.size.height).range == "pc" else 1
        for layout, tags in ((layout, info.colour), (pixel_format(pix_fmt), colour))
    )
    changed = frame.reformat(
        format=pix_fmt, src_color_range=before, dst_color_range=after, interpolation="BICUBIC"
    )
    return picture_of(changed)


def _by_rgb(picture: Picture, before: ColourTags, pix_fmt: str, after: ColourTags) -> Picture:
    """Straight alpha is kept where *pix_fmt* has it, and otherwise the picture lies over black."""
    layout, rgb, alpha = pixel_format(pix_fmt), to_rgb_float(picture, before), alpha_of(picture)
    if alpha is not None and not layout.has_alpha:
        rgb = rgb * alpha[..., None]
    values = sample_values(rgb, pix_fmt, after)
    if alpha is not None and layout.has_alpha:
        values["a"] = alpha * np.float32(layout.maximum)
    return assemble({letter: quantise(plane, layout) for letter, plane in values.items()}, pix_fmt)


def alpha_of(picture: Picture) -> Float | None:
    """(H, W) in 0-1, or None for a picture without alpha."""
    layout = pixel_format(picture.pix_fmt)
    if not layout.has_alpha:
        return None
    return components(picture)["a"].astype(np.float32) / np.float32(layout.maximum)


def _even(picture: Picture) -> Picture:
    """Luma with its last row and column repeated where chroma overhangs it: codecs want whole chroma samples."""
    x, y = pixel_format(picture.pix_fmt).chroma_shift
    luma = picture.planes[0]
    rows, columns = luma.shape[0] % (1 << y), luma.shape[1] % (1 << x)
    if not (rows or columns):
        return picture
    luma = np.pad(luma, ((0, rows), (0, columns)), mode="edge")
    return Picture((luma, *picture.planes[1:]), picture.pix_fmt)


def _sound(
    stack: ExitStack, out: OutputContainer, info: ClipInfo, movie: MovieFormat
) -> list[Iterator[Timed]]:
    span = (Fraction(0), info.frame_count / (info.rate or Fraction(1)) + _SOUND_BEYOND_S)
    return [
        copied_track(stack, out, info.path, audio.index, info.start_time)
        if audio.codec in movie.sound
        else encoded_track(
            stack, out, info.path, audio.index, info.start_time, span=span, codec=movie.new_sound
        )
        for audio in info.audio_streams
    ]
