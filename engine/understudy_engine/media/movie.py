"""A movie file as a clip: counted frame by frame, and frame k is frame k after any seek."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from ..errors import CorruptMedia
from ..types import FrameRange, Picture
from .container import opened, video_stream
from .info import HDR_TRANSFERS, AudioInfo, ClipInfo, ColourTags
from .limits import check_frame, check_length
from .orient import orientation_of, upright
from .pixels import picture_of, pixel_format, size_of
from .rates import Timeline, find_timeline


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Where the frames of a movie are.

    *times* are the presentation times of all shown frames in ticks, ascending. *keys* maps the time of each
    packet decoding can begin at to its place in *order*, which numbers packets as they lie in the file. In
    files without usable times (*ordinal*) frames are counted from the start, and *times* is 0, 1, ...
    """

    times: NDArray[np.int64]
    keys: dict[int, int]
    order: dict[int, int]
    first_dts: int = 0
    ordinal: bool = False


class MovieClip:
    """A `Clip` over a movie file; `open_clip` makes it. One `read` at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = ExitStack()
        try:
            self._container = self._stack.enter_context(opened(path))
            self._stream = video_stream(path, self._container)
            check_frame(path, self._stream.codec_context.width, self._stream.codec_context.height)
            self._index = _find_frames(path, self._container, self._stream)
            first = self._first_frame()
            self._orientation = orientation_of(first)
            self._stored_size = (first.width, first.height)
            self._timeline = self._find_timeline()
            self.info = self._describe(first)
        except BaseException:
            self._stack.close()
            raise
        self._reading = 0

    def close(self) -> None:
        self._stack.close()

    def read(self, frames: FrameRange) -> Iterator[Picture]:
        """See `Clip.read`."""
        self._reading += 1
        reading, shown = self._reading, -1
        picture: Picture | None = None
        decoded: Iterator[tuple[int, av.VideoFrame]] = iter(())
        for k in frames.indices:
            stored = k if self._timeline.source is None else int(self._timeline.source[k])
            if picture is None:
                decoded = self._decode_from(stored)
            if picture is None or stored != shown:
                picture, shown = self._advance(decoded, stored), stored
            yield picture
            if reading != self._reading:
                raise RuntimeError("a second read of the same clip began before the first was done with")

    def _advance(self, decoded: Iterator[tuple[int, av.VideoFrame]], stored: int) -> Picture:
        """Raises CorruptMedia if stored frame *stored* cannot be had, or is damaged."""
        try:
            number, frame = next((pair for pair in decoded if pair[0] >= stored), (None, None))
        except FFmpegError as error:
            raise self._broken(stored) from error
        if frame is None or number != stored or frame.is_corrupt:
            raise self._broken(stored)
        if (frame.width, frame.height) != self._stored_size:
            raise CorruptMedia(
                f"{self._path.name} changes its size at frame {stored}. Export it at one size.", frame=stored
            )
        return upright(picture_of(frame), self._orientation)

    def _broken(self, stored: int) -> CorruptMedia:
        count = len(self._index.times)
        return CorruptMedia(
            f"{self._path.name} is damaged at frame {stored} of {count}. Export or copy it again, "
            "or choose a range without that frame.",
            frame=stored,
        )

    def _decode_from(self, stored: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """(stored number, frame) in ascending order, beginning at *stored* or somewhat before."""
        if self._index.ordinal:
            self._rewind()
            yield from enumerate(self._container.decode(self._stream))
            return
        number_of = {int(time): i for i, time in enumerate(self._index.times)}
        for packet in self._packets_from(int(self._index.times[stored])):
            for frame in packet.decode():
                if frame.pts in number_of:
                    yield number_of[frame.pts], frame

    def _packets_from(self, time: int) -> Iterator[av.Packet[av.VideoStream]]:
        """Packets beginning with the last one at which decoding towards *time* can begin.

        Containers seek by decoding time, presentation time or byte, each in its own way; so the file's own
        packet order decides, and a seek that lands too far is done again from the start.
        """
        order = self._index.order
        key = max((t for t in self._index.keys if t <= time), default=None)
        begin = 0 if key is None else self._index.keys[key]
        if begin > 0 and key is not None:
            self._container.seek(key, stream=self._stream)
            packets = self._container.demux(self._stream)
            first = next(packets, None)
            landed = None if first is None or first.pts is None else order.get(first.pts)
            if first is not None and landed is not None and landed <= begin:
                if landed == begin:
                    yield first
                yield from self._skip_to(packets, begin if landed < begin else -1)
                return
        self._rewind()
        yield from self._skip_to(self._container.demux(self._stream), begin)

    def _skip_to(
        self, packets: Iterator[av.Packet[av.VideoStream]], begin: int
    ) -> Iterator[av.Packet[av.VideoStream]]:
        started = begin <= 0
        for packet in packets:
            started = started or (packet.pts is not None and self._index.order.get(packet.pts) == begin)
            if started:
                yield packet

    def _rewind(self) -> None:
        self._container.seek(self._index.first_dts, stream=self._stream)

    def _first_frame(self) -> av.VideoFrame:
        try:
            first = next(self._decode_from(0), None)
        except FFmpegError as error:
            raise self._broken(0) from error
        if first is None:
            raise self._broken(0)
        return first[1]

    def _find_timeline(self) -> Timeline:
        stream = self._stream
        declared = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        if self._index.ordinal:
            return find_timeline(self._index.times[:1], Fraction(1), declared)
        return find_timeline(self._index.times, Fraction(stream.time_base or 1), declared)

    def _describe(self, first: av.VideoFrame) -> ClipInfo:
        stream, turned = self._stream, self._orientation
        picture = upright(picture_of(first), turned)
        source = self._timeline.source
        count = len(self._index.times) if source is None else len(source)
        check_length(self._path, count)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        tick = Fraction(stream.time_base or 1)
        return ClipInfo(
            path=self._path,
            size=size_of(picture),
            rate=self._timeline.rate,
            frame_count=count,
            variable_rate=source is not None,
            pix_fmt=picture.pix_fmt,
            bit_depth=pixel_format(picture.pix_fmt).bits,
            colour=_colour(first),
            timecode=_timecode(self._container),
            audio_streams=tuple(_audio(stream) for stream in self._container.streams.audio),
            rotation_degrees=turned.degrees,
            pixel_aspect=1 / aspect if turned.transpose else aspect,
            codec=stream.codec_context.codec.name,
            start_time=Fraction(0) if self._index.ordinal else int(self._index.times[0]) * tick,
            notes=tuple(_notes(first, self._timeline, len(self._index.times))),
        )


def _find_frames(path: Path, container: InputContainer, stream: av.VideoStream) -> FrameIndex:
    """Counts frames packet by packet, or by decoding where packets carry no times of their own.

    Raises:
        CorruptMedia: no frames, or the file ends before its header says.
        MediaTooLarge: more frames than are read.
    """
    times: list[int] = []
    keys: dict[int, int] = {}
    order: dict[int, int] = {}
    first_dts = total = 0
    last_end = 0
    usable = container.format.name != "avi"  # AVI stores no presentation times; FFmpeg's guesses are wrong
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            if packet.is_corrupt:
                raise _cut_short(path, len(times))
            if total == 0 and packet.dts is not None:
                first_dts = packet.dts
            total += 1
            check_length(path, total)
            if packet.pts is None or packet.pts in order:
                usable = False
                continue
            order[packet.pts] = len(order)
            if packet.is_keyframe:
                keys[packet.pts] = order[packet.pts]
            if not packet.is_discard:
                times.append(packet.pts)
                last_end = max(last_end, packet.pts + (packet.duration or 0))
    except FFmpegError as error:
        raise _cut_short(path, len(times)) from error
    if total == 0 or (usable and not times):
        raise CorruptMedia(f"{path.name} has no frames in it. Export or copy it again.", frame=0)
    if not usable:
        return _count_by_decoding(path, container, stream, first_dts)
    _check_complete(path, stream, total, len(times), last_end)
    return FrameIndex(np.array(sorted(times), np.int64), keys, order, first_dts)


def _count_by_decoding(
    path: Path, container: InputContainer, stream: av.VideoStream, first_dts: int
) -> FrameIndex:
    container.seek(first_dts, stream=stream)
    count = 0
    try:
        for _ in container.decode(stream):
            count += 1
            check_length(path, count)
    except FFmpegError as error:
        raise _cut_short(path, count) from error
    if count == 0:
        raise CorruptMedia(f"{path.name} has no frames in it. Export or copy it again.", frame=0)
    return FrameIndex(np.arange(count, dtype=np.int64), {}, {}, first_dts, ordinal=True)


def _check_complete(path: Path, stream: av.VideoStream, total: int, shown: int, last_end: int) -> None:
    """A cut shows where a header promises more: MP4 counts its frames, Matroska names its end."""
    if stream.frames > total:
        raise _cut_short(path, shown)
    promised = _seconds(stream.metadata.get("DURATION", ""))
    rate, tick = stream.average_rate, stream.time_base
    if promised and rate and tick and promised - last_end * tick > 2 / Fraction(rate):
        raise _cut_short(path, shown)


def _seconds(clock: str) -> Fraction:
    """Of Matroska's DURATION tag, "00:00:06.833000000"; 0 where there is none."""
    try:
        hours, minutes, seconds = clock.split(":")
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return Fraction(0)


def _cut_short(path: Path, frame: int) -> CorruptMedia:
    return CorruptMedia(
        f"{path.name} is cut short or damaged: only {frame} frames can be reached. Export or copy it again.",
        frame=frame,
    )


def _colour(frame: av.VideoFrame) -> ColourTags:
    return ColourTags.from_codes(
        frame.color_primaries, frame.color_trc, int(frame.colorspace), int(frame.color_range)
    )


def _timecode(container: InputContainer) -> str:
    for metadata in (container.metadata, *(stream.metadata for stream in container.streams)):
        for key, value in metadata.items():
            if key.lower() == "timecode" and value:  # Matroska shouts its tags
                return value
    return ""


def _audio(stream: av.AudioStream) -> AudioInfo:
    context = stream.codec_context
    return AudioInfo(context.name, context.sample_rate, context.channels, stream.language or "")


def _notes(first: av.VideoFrame, timeline: Timeline, stored: int) -> Iterator[str]:
    if timeline.source is not None and timeline.rate is not None:
        yield (
            f"The clip's frames come at uneven times; its {stored} frames are laid out as "
            f"{len(timeline.source)} at a constant {float(timeline.rate):.3f} a second."
        )
    if first.interlaced_frame:
        yield "The clip is interlaced; its fields are kept as they are. Deinterlace it for clean motion."
    if _colour(first).transfer in HDR_TRANSFERS:
        yield "The clip is HDR; the model sees it without tone mapping, so colours may look flat to it."
