"""One segment's pictures as a lossless file: FFV1 in Matroska, all keyframes, a CRC for every slice."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from functools import cache
from itertools import chain
from pathlib import Path

import av
from av.container import OutputContainer

from ..errors import UnsupportedMedia
from ..types import FrameSize, Picture
from .colour import tags_for
from .info import ColourTags
from .mux import muxer, tag
from .pixels import assemble, components, frame_of, pixel_format, size_of

_OPTIONS = {"level": "3", "coder": "range_def", "g": "1", "slicecrc": "1"}
SQUARE = Fraction(1)
_SLICES = (4, 6, 9, 12, 16, 1, 20, 24, 25, 30, 36, 42, 49, 64, 81, 100, 121, 144)
_SLICED_FROM_PX = 128  # sides; smaller pictures are one slice


def stored_format(pix_fmt: str) -> str:
    """The pixel format a layer of *pix_fmt* comes back in; every sample comes back as it was.

    FFV1 lacks a few orders of the same samples: 8-bit RGB is stored as bgr0, with alpha as bgra; packed RGB
    of 16 bits as gbrp16le, with alpha (and 16-bit gray with alpha) as gbrap16le; yuvj as yuv tagged full range.
    """
    layout = pixel_format(pix_fmt)
    if layout.full_range:
        return pix_fmt.replace("yuvj", "yuv")
    if layout.packed and layout.bits == 16:
        return "gbrap16le" if layout.has_alpha else "gbrp16le"
    if layout.bits == 8 and not (layout.is_yuv or layout.is_gray):
        return "bgra" if layout.has_alpha else "bgr0"
    return pix_fmt


def restored(picture: Picture) -> Picture:
    """The picture in its `stored_format`, without loss."""
    stored = stored_format(picture.pix_fmt)
    if stored == picture.pix_fmt:
        return picture
    layout = pixel_format(picture.pix_fmt)
    if layout.is_yuv:
        return Picture(picture.planes, stored)
    channels = components(picture)
    if layout.is_gray:
        channels = dict.fromkeys("rgb", channels["y"]) | {"a": channels["a"]}
    return assemble(channels, stored)


def write_layer(
    path: Path,
    pictures: Iterable[Picture],
    *,
    rate: Fraction,
    colour: ColourTags,
    pixel_aspect: Fraction = SQUARE,
) -> int:
    """Writes pictures of one size and pixel format as a lossless movie at *path*; returns how many.

    `read.open_clip` gives the same planes back, bit for bit, in `stored_format`. The file appears whole or
    not at all. Holds one picture at a time. The same pictures make the same bytes, with the same FFmpeg.

    Raises:
        DiskFull: nothing is left behind.
        ValueError: no pictures, or one that is unlike the first.
    """
    rest = iter(pictures)
    first = next(rest, None)
    if first is None:
        raise ValueError("a layer needs at least one picture")
    count = 0
    with muxer(path, "matroska") as container:
        stream = _ffv1_stream(container, first, rate, colour, pixel_aspect)
        for count, picture in enumerate(chain((first,), rest), start=1):
            if picture.pix_fmt != first.pix_fmt or size_of(picture) != size_of(first):
                raise ValueError(
                    f"picture {count} is not like the first: {picture.pix_fmt} {size_of(picture)}"
                )
            frame = frame_of(restored(picture))
            frame.pts, frame.time_base = count - 1, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return count


def _ffv1_stream(
    container: OutputContainer, first: Picture, rate: Fraction, colour: ColourTags, pixel_aspect: Fraction
) -> av.VideoStream:
    pix_fmt = stored_format(first.pix_fmt)
    stream = container.add_stream("ffv1", rate=rate, options=dict(_options(pix_fmt, size_of(first))))
    stream.width, stream.height = size_of(first)
    stream.pix_fmt = pix_fmt
    context = stream.codec_context
    context.time_base = 1 / rate
    context.thread_type = "SLICE"
    tag(stream, tags_for(colour, pixel_format(first.pix_fmt)), pixel_aspect)
    return stream


@cache
def _options(pix_fmt: str, size: FrameSize) -> dict[str, str]:
    """Encoder options; the number of slices is the first that FFmpeg can cut without splitting a chroma sample.

    The odd size that cannot be cut at all is kept in FFV1 version 1, which has neither slices nor checksums.
    """
    counts: tuple[int, ...] = _SLICES if min(size) >= _SLICED_FROM_PX else (1, *_SLICES)
    if max(pixel_format(pix_fmt).chroma_shift) > 1:  # FFmpeg 8 cuts 4:1:1 and 4:1:0 even where it must not
        counts = (4,) if size.width % 8 == size.height % 8 == 0 else ()
    for options in (*(_OPTIONS | {"slices": str(count)} for count in counts), {"level": "1", "g": "1"}):
        trial = av.CodecContext.create("ffv1", "w")
        trial.width, trial.height = size
        trial.pix_fmt, trial.time_base, trial.options = pix_fmt, Fraction(1, 24), options
        with suppress(NotImplementedError):
            trial.open()
            return options
    raise UnsupportedMedia(f"Pictures of {size.width} x {size.height} {pix_fmt} cannot be stored.")
