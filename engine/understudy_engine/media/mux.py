"""Writing containers: atomically, tagged, and with a full disk told apart from everything else."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import av
from av.container import OutputContainer

from .atomic import atomic_file
from .info import ColourTags

PIXEL_ASPECT_TAG = "PIXEL_ASPECT"  # PyAV 18 cannot set Matroska's own field; this one comes back to us

Timed: TypeAlias = "tuple[Fraction, av.Packet[Any]]"
"""When a packet is due, in seconds, and the packet."""

Progress: TypeAlias = Callable[[float], None]
"""Called with how much is done, 0-1. What it raises ends the work."""

# Sound may begin before the first frame (AAC's priming): its times stay negative instead of moving the frames.
# Without "bitexact" every file gets random ids; with it the same packets make the same bytes.
MATROSKA_OPTIONS = {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}


@contextmanager
def muxer(path: Path, container_format: str) -> Iterator[OutputContainer]:
    """A container that takes the name *path* only when the block ends well.

    Raises:
        DiskFull: nothing is left behind.
    """
    options = MATROSKA_OPTIONS if container_format == "matroska" else {}
    with atomic_file(path) as file:
        sink = _Sink(file)
        try:
            with av.open(sink, "w", format=container_format, container_options=options) as container:
                yield container
        finally:
            if sink.error is not None:
                raise sink.error


class _Sink:
    """A file for FFmpeg to write. Its first error ends the writing; FFmpeg, closing, shall not meet it again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                return self._file.write(data)
            except OSError as error:
                self.error = error
                raise
        return len(data)


def mux_by_time(container: OutputContainer, tracks: Iterable[Iterator[Timed]]) -> None:
    """Writes the packets of all tracks in the order they are due, so that the muxer holds few."""
    for _, packet in heapq.merge(*tracks, key=lambda timed: timed[0]):
        container.mux(packet)


def tag(stream: av.VideoStream, colour: ColourTags, pixel_aspect: Fraction) -> None:
    """Writes colour tags and pixel aspect into a stream that is about to be encoded."""
    context = stream.codec_context
    codes = colour.codes()
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = codes
    if pixel_aspect != 1:
        context.sample_aspect_ratio = pixel_aspect
        stream.metadata[PIXEL_ASPECT_TAG] = str(pixel_aspect)
