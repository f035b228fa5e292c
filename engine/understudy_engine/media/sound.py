"""Sound tracks: copied packet by packet, or cut to the sample and encoded anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from ..errors import UnsupportedMedia
from .container import opened
from .mux import Timed

# The PCM that holds a decoder's samples as they are.
_PCM = {"u8": "pcm_u8", "s16": "pcm_s16le", "s32": "pcm_s32le", "flt": "pcm_f32le", "dbl": "pcm_f64le"}
_USUAL_LAYOUTS = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")
_AAC_BITS_PER_CHANNEL = 160_000


class SampleClock:
    """Places packets on a sample grid. Coarse clocks (Matroska's millisecond) are refined by counting."""

    def __init__(self, sample_rate: int, tick: Fraction, origin: Fraction, packet_samples: int) -> None:
        self._rate, self._tick, self._origin = sample_rate, tick, origin
        self._slack = max(Fraction(2), tick * sample_rate * Fraction(3, 2))
        self._grid = packet_samples if origin == 0 else 0
        self._next: int | None = None

    def place(self, pts: int, samples: int) -> int:
        """The sample number, from *origin* on, that a packet or frame of *samples* samples begins at."""
        told = (pts * self._tick - self._origin) * self._rate
        expected = self._next
        if expected is None and self._grid:
            expected = round(told / self._grid) * self._grid
        start = expected if expected is not None and abs(told - expected) <= self._slack else round(told)
        self._next = start + samples
        return start


def copied_track(
    stack: ExitStack, out: OutputContainer, path: Path, index: int, origin: Fraction
) -> Iterator[Timed]:
    """Audio stream *index* of *path* with its packets untouched; *origin* (s) becomes time 0.

    Raises ValueError if the container *out* does not take the codec.
    """
    container, source = _audio(stack, path, index)
    target = out.add_stream_from_template(source)
    target.metadata.update(_language(source))
    return _copied(container, source, target, origin)


def _copied(
    container: InputContainer, source: av.AudioStream, target: av.AudioStream, origin: Fraction
) -> Iterator[Timed]:
    rate, tick = source.codec_context.sample_rate, Fraction(source.time_base or 1)
    step = source.codec_context.frame_size
    clock = SampleClock(rate, tick, origin, step)
    for packet in container.demux(source):
        if packet.size == 0 or packet.pts is None:
            continue
        samples = step or round((packet.duration or 0) * tick * rate)
        start = clock.place(packet.pts, samples)
        packet.stream, packet.time_base = target, Fraction(1, rate)
        packet.pts = packet.dts = start
        packet.duration = samples
        yield Fraction(start, rate), packet


def encoded_track(
    stack: ExitStack,
    out: OutputContainer,
    path: Path,
    index: int,
    origin: Fraction,
    *,
    span: tuple[Fraction, Fraction] | None = None,
    codec: str | None = None,
) -> Iterator[Timed]:
    """Audio stream *index* of *path*, decoded and encoded anew.

    Args:
        origin: s on the file's clock; the time that *span* counts from.
        span: (begin, end) in s; samples from the nearest to begin up to the nearest to end, end excluded, and
            the track begins exactly at begin, with silence where the file has none yet. None: all of it.
        codec: "aac", or None for the PCM that holds the decoded samples without loss.

    Raises:
        UnsupportedMedia: more channels than AAC has layouts for.
    """
    container, source = _audio(stack, path, index)
    context = source.codec_context
    if codec == "aac" and context.channels > len(_USUAL_LAYOUTS):
        raise UnsupportedMedia(
            f"{path.name} has {context.channels} sound channels in a track; MP4 takes 8. Deliver ProRes.",
            channels=context.channels,
        )
    kind = context.format.packed.name
    added = out.add_stream(codec or _PCM[kind], rate=context.sample_rate, layout=_layout(context))
    target = cast("av.AudioStream", added)
    if codec == "aac":
        target.bit_rate = _AAC_BITS_PER_CHANNEL * context.channels
    target.metadata.update(_language(source))
    return _encoded(_blocks(container, source, origin, span), target, kind)


def _audio(stack: ExitStack, path: Path, index: int) -> tuple[InputContainer, av.AudioStream]:
    container = stack.enter_context(opened(path))
    source = container.streams.audio[index]
    for stream in container.streams:
        if stream.index != source.index:
            stream.discard = stream.discard.all
    return container, source


def _language(source: av.AudioStream) -> dict[str, str]:
    return {key: value for key, value in source.metadata.items() if key in ("language", "title")}


def _layout(context: av.AudioCodecContext) -> str:
    """The speakers' layout; plain PCM only counts channels, and then the usual one is meant."""
    name = context.layout.name
    if not name.endswith("channels") or context.channels > len(_USUAL_LAYOUTS):
        return name
    return _USUAL_LAYOUTS[context.channels - 1]


def _blocks(
    container: InputContainer,
    source: av.AudioStream,
    origin: Fraction,
    span: tuple[Fraction, Fraction] | None,
) -> Iterator[NDArray[Any]]:
    """Decoded samples (n, channels) of the span without gap, from its first sample on."""
    context = source.codec_context
    rate = context.sample_rate
    cursor, end = (0, None) if span is None else (round(span[0] * rate), round(span[1] * rate))
    clock = SampleClock(rate, Fraction(source.time_base or 1), origin, context.frame_size)
    for frame in _decoded(container, source):
        samples = _interleaved(frame)
        start = clock.place(frame.pts or 0, len(samples))
        if end is not None and start >= end:
            return
        while start > cursor:  # no sound here in the file
            gap = min(start - cursor, rate)
            yield np.full((gap, samples.shape[1]), 128 if samples.dtype == np.uint8 else 0, samples.dtype)
            cursor += gap
        stop = len(samples) if end is None else min(len(samples), end - start)
        if start + stop > cursor:
            yield samples[cursor - start : stop]
            cursor = start + stop


def _decoded(container: InputContainer, source: av.AudioStream) -> Iterator[av.AudioFrame]:
    """What can be decoded: sound is no reason to refuse finished pictures."""
    for packet in container.demux(source):
        with suppress(FFmpegError):
            yield from (frame for frame in packet.decode() if frame.pts is not None)


def _interleaved(frame: av.AudioFrame) -> NDArray[Any]:
    samples = frame.to_ndarray()
    if frame.format.is_planar:
        return samples.T
    return samples.reshape(-1, frame.layout.nb_channels)


def _encoded(blocks: Iterator[NDArray[Any]], target: av.AudioStream, kind: str) -> Iterator[Timed]:
    context = target.codec_context
    rate, written = context.sample_rate, 0
    for block in blocks:
        packed = np.ascontiguousarray(block).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format=kind, layout=context.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, written, Fraction(1, rate)
        written += len(block)
        yield from _timed(target.encode(frame))
    yield from _timed(target.encode(None))


def _timed(packets: Iterable[av.Packet[Any]]) -> Iterator[Timed]:
    for packet in packets:
        yield Fraction(packet.pts or 0) * packet.time_base, packet
