"""A movie to look at, not to work with: H.264, small, a frame at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer

from ..media.info import ColourTags
from ..media.mux import muxer, tag
from ..media.pixels import frame_of
from ..media.rgb import from_rgb
from ..types import FrameSize
from .pictures import Rgb

OPTIONS = {"crf": "18", "preset": "veryfast"}
COLOUR = ColourTags("bt709", "bt709", "bt709", "tv")


class ViewMovie:
    """`view_movie` makes it."""

    def __init__(self, container: OutputContainer, stream: av.VideoStream, rate: Fraction) -> None:
        self._container, self._stream, self._rate = container, stream, rate
        self._count = 0

    def add(self, rgb: Rgb) -> None:
        """The next frame, (H, W, 3)."""
        frame = frame_of(from_rgb(rgb.astype(np.float32) / np.float32(255), "yuv420p", COLOUR))
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._container.mux(self._stream.encode(frame))
        self._count += 1


@contextmanager
def view_movie(path: Path, size: FrameSize, rate: Fraction) -> Iterator[ViewMovie]:
    """A movie of frames of *size*, whose sides are even; there when the block ends well, and otherwise not.

    Raises DiskFull.
    """
    with muxer(path, "mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        stream.codec_context.time_base = 1 / rate
        tag(stream, COLOUR, Fraction(1))
        yield ViewMovie(container, stream, rate)
        container.mux(stream.encode(None))
