"""Stored segments as one master: the same packets in a row, with the clip's sound and timecode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from ..errors import CorruptMedia
from ..types import FrameRange
from .container import opened, video_stream
from .info import ClipInfo
from .mux import PIXEL_ASPECT_TAG, Progress, Timed, mux_by_time, muxer
from .rates import snap
from .sound import copied_track, encoded_track
from .timecode import advance


def join_master(
    parts: Sequence[Path],
    out: Path,
    *,
    clip: ClipInfo | None,
    frames: FrameRange,
    progress: Progress = lambda _: None,
) -> None:
    """Joins segment layers, as `write_layer` made them, into one Matroska file at *out*.

    Pictures are copied, not coded again; colour tags and pixel aspect are theirs. The clip's sound is copied
    untouched when *frames* is the whole clip, and otherwise cut to the sample at both ends and kept as PCM;
    what is damaged in it becomes silence then.
    Its timecode is set forward to the range's first frame. The file appears whole or not at all.

    Args:
        clip: where sound, timecode and rate come from; None: pictures only, at the parts' own rate.
        frames: of the clip, what the parts show together.

    Raises:
        CorruptMedia: a part is damaged, or unlike the first, or they are not ``len(frames)`` frames together.
        DiskFull: nothing is left behind.
    """
    with ExitStack() as stack:
        first = stack.enter_context(opened(parts[0]))
        template = video_stream(parts[0], first)
        rate = clip.rate if clip and clip.rate else snap(Fraction(template.average_rate or 1))
        container = stack.enter_context(muxer(out, "matroska"))
        stream = container.add_stream_from_template(template)
        stream.codec_context.framerate = rate
        if aspect := template.metadata.get(PIXEL_ASPECT_TAG):
            stream.metadata[PIXEL_ASPECT_TAG] = aspect
        if clip and (timecode := advance(clip.timecode, frames.start, rate)):
            stream.metadata["timecode"] = timecode
        sound = _sound(stack, container, clip, frames, rate) if clip else []
        mux_by_time(container, [_pictures(parts, stream, rate, len(frames), progress), *sound])


def _pictures(
    parts: Sequence[Path], stream: av.VideoStream, rate: Fraction, count: int, progress: Progress
) -> Iterator[Timed]:
    number = 0
    for part in parts:
        with opened(part) as container:
            source = video_stream(part, container)
            if source.codec_context.extradata != stream.codec_context.extradata:
                raise CorruptMedia(f"The stored segment {part.name} is unlike the first. Render it again.")
            for packet in container.demux(source):
                if packet.size == 0:
                    continue
                if packet.is_corrupt:
                    raise CorruptMedia(f"The stored segment {part.name} is damaged. Render it again.")
                packet.stream, packet.time_base = stream, 1 / rate
                packet.pts = packet.dts = number
                packet.duration = 1
                number += 1
                yield (number - 1) / rate, packet
                progress(number / max(count, 1))
    if number != count:
        raise CorruptMedia(
            f"The stored segments hold {number} frames, {count} were expected. Render the missing part again.",
            frames=number,
            expected=count,
        )


def _sound(
    stack: ExitStack, out: OutputContainer, clip: ClipInfo, frames: FrameRange, rate: Fraction
) -> list[Iterator[Timed]]:
    whole = frames == FrameRange(0, clip.frame_count)
    span = (frames.start / rate, frames.end / rate)
    return [
        copied_track(stack, out, clip.path, audio.index, clip.start_time)
        if whole and audio.codec in out.supported_codecs
        else encoded_track(stack, out, clip.path, audio.index, clip.start_time, span=span)
        for audio in clip.audio_streams
    ]
