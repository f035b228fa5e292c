"""A movie file as a clip: counted frame by frame, and frame k is frame k after any seek."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from ..errors import CorruptMedia
from ..types import FrameRange, Picture
from .container import opened, video_stream
from .damage import Decoded, judged, judged_in_order
from .index import find_frames
from .info import HDR_TRANSFERS, AudioInfo, ClipInfo, ColourTags
from .limits import AUDIO_CODECS, VIDEO_CODECS, check_frame, check_length
from .mux import PIXEL_ASPECT_TAG
from .orient import orientation_of, upright
from .pixels import picture_of, pixel_format, size_of
from .rates import Timeline, find_timeline

_VISIBLE_ASPECT = Fraction(1, 100)


class MovieClip:
    """A `Clip` over a movie file; `open_clip` and `open_stored` make it."""

    def __init__(self, path: Path, codecs: Sequence[str] = (*VIDEO_CODECS, *AUDIO_CODECS)) -> None:
        self._path = path
        self._stack = ExitStack()
        try:
            self._container = self._stack.enter_context(opened(path, codecs=codecs))
            self._stream = video_stream(path, self._container, codecs)
            check_frame(path, self._stream.codec_context.width, self._stream.codec_context.height)
            self._index = find_frames(path, self._container, self._stream)
            first = self._first_frame()
            self._orientation = orientation_of(first)
            self._stored_size = (first.width, first.height)
            self._timeline = self._find_timeline()
            self.info = self._describe(first)
        except BaseException:
            self._stack.close()
            raise
        self._reader: object = None

    def close(self) -> None:
        self._stack.close()

    def read(self, frames: FrameRange) -> Iterator[Picture]:
        """See `Clip.read`."""
        reader = object()
        shown, picture = -1, None
        decoded: Iterator[Decoded] = iter(())
        for k in frames.indices:
            stored = k if self._timeline.source is None else int(self._timeline.source[k])
            if self._reader is not reader:  # the first frame, or another read moved the file's place
                self._reader, decoded, shown = reader, self._decode_from(stored), -1
            if picture is None or stored != shown:
                picture, shown = self._advance(decoded, stored), stored
            yield picture

    def _advance(self, decoded: Iterator[Decoded], stored: int) -> Picture:
        """Raises CorruptMedia if stored frame *stored* cannot be had, or is damaged."""
        try:
            found = next((one for one in decoded if one.number >= stored), None)
        except FFmpegError as error:
            raise self._broken(stored) from error
        if found is None or found.number != stored or found.damaged:
            raise self._broken(stored)
        if (found.frame.width, found.frame.height) != self._stored_size:
            raise CorruptMedia(
                f"{self._path.name} changes its size at frame {stored}. Export it at one size.", frame=stored
            )
        return upright(picture_of(found.frame), self._orientation)

    def _broken(self, stored: int) -> CorruptMedia:
        count = len(self._index.times)
        return CorruptMedia(
            f"{self._path.name} is damaged at frame {stored} of {count}. Export or copy it again, "
            "or choose a range without that frame.",
            frame=stored,
        )

    def _decode_from(self, stored: int) -> Iterator[Decoded]:
        """Frames in ascending order, beginning at *stored* or somewhat before."""
        if self._index.ordinal:
            self._rewind()
            return judged_in_order(self._container.decode(self._stream))
        key = self._index.key_for(stored)
        return judged(self._decode_from_key(key), self._index, self._index.first_from(key))

    def _decode_from_key(self, key: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Numbered frames from the keyframe shown at *key* on; what cannot be decoded is left out."""
        number_of = self._index.number_of
        for packet in self._packets_from(key):
            try:
                frames = packet.decode()
            except FFmpegError:  # it may concern an earlier packet; which frame is lost shows in the numbers
                continue
            for frame in frames:
                if frame.pts in number_of and frame.pts >= key:  # before it: an open group's leading frames
                    yield number_of[frame.pts], frame

    def _packets_from(self, key: int) -> Iterator[av.Packet[av.VideoStream]]:
        """Packets beginning with the keyframe shown at *key*.

        Containers seek by decoding time, presentation time or byte, each in its own way; so the file's own
        packet order decides, and a seek that lands too far is done again from the start.
        """
        begin = self._index.order.get(key, 0)
        if begin > 0:
            self._container.seek(key, stream=self._stream)
            packets = self._container.demux(self._stream)
            first = next(packets, None)
            landed = None if first is None or first.pts is None else self._index.order.get(first.pts)
            if first is not None and landed is not None and landed <= begin:
                yield from self._skip_to(chain((first,), packets), begin)
                return
        self._rewind()
        yield from self._skip_to(self._container.demux(self._stream), begin)

    def _skip_to(
        self, packets: Iterator[av.Packet[av.VideoStream]], begin: int
    ) -> Iterator[av.Packet[av.VideoStream]]:
        started = begin == 0
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
        return first.frame

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
        aspect = _pixel_aspect(stream)
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
            audio_streams=tuple(_sound(self._container)),
            rotation_degrees=turned.degrees,
            pixel_aspect=1 / aspect if turned.transpose else aspect,
            codec=stream.codec_context.codec.name,
            start_time=Fraction(0) if self._index.ordinal else int(self._index.times[0]) * tick,
            notes=tuple(self._notes(first, aspect)),
        )

    def _notes(self, first: av.VideoFrame, aspect: Fraction) -> Iterator[str]:
        rate, source = self._timeline.rate, self._timeline.source
        if source is not None and rate is not None:
            yield (
                f"The clip's frames come at uneven times; its {len(self._index.times)} frames are laid out as "
                f"{len(source)} at a constant {float(rate):.3f} a second."
            )
        if abs(aspect - 1) > _VISIBLE_ASPECT:
            yield (
                f"The clip's pixels are {float(aspect):.2f} times as wide as high; the model sees them as squares."
            )
        if first.interlaced_frame:
            yield "The clip is interlaced; its fields are kept as they are. Deinterlace it for clean motion."
        if _colour(first).transfer in HDR_TRANSFERS:
            yield "The clip is HDR; the model sees it without tone mapping, so colours may look flat to it."
        left_out = sum(not _is_readable(stream) for stream in self._container.streams.audio)
        if left_out:
            yield f"{left_out} of the clip's sound tracks cannot be read and will be missing from the result."


def _colour(frame: av.VideoFrame) -> ColourTags:
    return ColourTags.from_codes(
        frame.color_primaries, frame.color_trc, int(frame.colorspace), int(frame.color_range)
    )


def _pixel_aspect(stream: av.VideoStream) -> Fraction:
    try:
        return Fraction(stream.metadata.get(PIXEL_ASPECT_TAG) or stream.sample_aspect_ratio or 1)
    except (ValueError, ZeroDivisionError):
        return Fraction(1)


def _timecode(container: InputContainer) -> str:
    for metadata in (container.metadata, *(stream.metadata for stream in container.streams)):
        for key, value in metadata.items():
            if key.lower() == "timecode" and value:  # Matroska shouts its tags
                return value
    return ""


def _sound(container: InputContainer) -> Iterator[AudioInfo]:
    for index, stream in enumerate(container.streams.audio):
        context = stream.codec_context
        if _is_readable(stream):
            yield AudioInfo(index, context.name, context.sample_rate, context.channels, stream.language or "")


def _is_readable(stream: av.AudioStream) -> bool:
    context: av.AudioCodecContext | None = stream.codec_context  # None: FFmpeg does not know the codec
    return context is not None and context.codec.name in AUDIO_CODECS and context.channels > 0
