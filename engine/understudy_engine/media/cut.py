"""Some frames of a stored layer as a layer of their own: the same packets, nothing coded again."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path

from ..errors import CorruptMedia
from ..types import FrameRange
from .container import opened, video_stream
from .mux import PIXEL_ASPECT_TAG, muxer
from .rates import snap


def cut_layer(source: Path, out: Path, frames: FrameRange) -> None:
    """Writes *frames* of *source*, a layer as `write_layer` made it, to *out*: each sample as it was.

    Every frame of such a layer stands alone, so it can be cut anywhere. The file appears whole or not at all.

    Raises:
        CorruptMedia: *source* is damaged, or ends before the frames do. DiskFull: nothing is left behind.
    """
    with opened(source) as container, muxer(out, "matroska") as made:
        stored = video_stream(source, container)
        rate = snap(Fraction(stored.average_rate or 1))
        stream = made.add_stream_from_template(stored)
        stream.codec_context.framerate = rate
        if aspect := stored.metadata.get(PIXEL_ASPECT_TAG):
            stream.metadata[PIXEL_ASPECT_TAG] = aspect
        packets = (packet for packet in container.demux(stored) if packet.size)
        number = 0
        for packet in islice(packets, frames.start, frames.end):
            if packet.is_corrupt:
                raise CorruptMedia(f"The stored segment {source.name} is damaged. Render it again.")
            packet.stream, packet.time_base = stream, 1 / rate
            packet.pts = packet.dts = number
            packet.duration = 1
            made.mux(packet)
            number += 1
        if number != len(frames):
            raise CorruptMedia(
                f"The stored segment {source.name} ends {len(frames) - number} frames too early. Render it again."
            )
