"""Where a movie's frames are: counted in one pass over its packets, never taken from a header."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from ..errors import CorruptMedia
from .ffv1 import slices_intact
from .limits import check_length


class FrameIndex:
    """Where the frames of a movie are.

    Args:
        times: when each shown frame is presented, in ticks.
        keys: times of the frames that decoding can begin at.
        order: from a packet's time to its place among the packets as they lie in the file.
        first_dts: in ticks, where the file begins.
        damaged: times of frames that are known to be damaged.
        ordinal: the file has no usable times: frames are counted from the start, and *times* is 0, 1, ...
    """

    def __init__(
        self,
        times: Iterable[int],
        *,
        first_dts: int,
        keys: Iterable[int] = (),
        order: dict[int, int] | None = None,
        damaged: Iterable[int] = (),
        ordinal: bool = False,
    ) -> None:
        self.times: NDArray[np.int64] = np.array(sorted(times), np.int64)
        self.number_of = {int(time): number for number, time in enumerate(self.times)}
        self.damaged = frozenset(self.number_of[time] for time in damaged if time in self.number_of)
        self.order, self.first_dts, self.ordinal = order or {}, first_dts, ordinal
        self.places = [self.order.get(int(time), 0) for time in self.times]
        self.settled_by = self._settled_by()
        self._keys = sorted(keys)

    def key_for(self, number: int) -> int:
        """The time of the last keyframe shown no later than frame *number*; the first packet's without one."""
        place = bisect_right(self._keys, int(self.times[number]))
        return self._keys[place - 1] if place else next(iter(self.order))

    def key_place(self, number: int) -> int:
        """The place in the file of the keyframe that frame *number* depends on."""
        return self.order[self.key_for(number)]

    def first_from(self, time: int) -> int:
        """The number of the first frame shown at *time* or later."""
        return int(np.searchsorted(self.times, time))

    def _settled_by(self) -> list[int]:
        """For each frame the last one in showing order among those that lie no later in the file."""
        settled = [0] * len(self.places)
        latest = 0
        for number in sorted(range(len(self.places)), key=self.places.__getitem__):
            latest = max(latest, number)
            settled[number] = latest
        return settled


@dataclass(slots=True)
class _Survey:
    """What a pass over the packets finds."""

    times: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    order: dict[int, int] = field(default_factory=dict)
    failing: list[int] = field(default_factory=list)  # times of packets whose checksums do not hold
    first_dts: int = 0
    packets: int = 0
    last_end: int = 0  # ticks
    usable: bool = True  # every packet has a time of its own

    def add(self, packet: av.Packet[Any], has_checksums: bool) -> None:
        if self.packets == 0 and packet.dts is not None:
            self.first_dts = packet.dts
        self.packets += 1
        time = packet.pts
        if time is None or time in self.order:
            self.usable = False
            return
        self.order[time] = len(self.order)
        if packet.is_keyframe:
            self.keys.append(time)
        if has_checksums and not slices_intact(bytes(packet)):
            self.failing.append(time)
        if not packet.is_discard:
            self.times.append(time)
            self.last_end = max(self.last_end, time + (packet.duration or 0))


def find_frames(path: Path, container: InputContainer, stream: av.VideoStream) -> FrameIndex:
    """Counts frames packet by packet, or by decoding where packets carry no times of their own.

    Raises:
        CorruptMedia: no frames, or the file ends before its header says.
        MediaTooLarge: more frames than are read.
    """
    survey = _survey(path, container, stream)
    if not survey.usable:
        return _count_by_decoding(path, container, stream, survey.first_dts)
    if not survey.times:
        raise _empty(path)
    _check_complete(path, stream, survey)
    # FFV1 may come without checksums: then they all fail, which says nothing.
    damaged = survey.failing if len(survey.failing) < survey.packets else []
    return FrameIndex(
        survey.times, first_dts=survey.first_dts, keys=survey.keys, order=survey.order, damaged=damaged
    )


def _survey(path: Path, container: InputContainer, stream: av.VideoStream) -> _Survey:
    codec = stream.codec_context.codec.name
    # AVI stores no presentation times, and FFmpeg's guesses are wrong; VP8 has packets that show nothing.
    survey = _Survey(usable=container.format.name != "avi" and codec not in ("vp8", "libvpx"))
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            if packet.is_corrupt:
                raise _cut_short(path, len(survey.times))
            survey.add(packet, has_checksums=codec == "ffv1")
            check_length(path, survey.packets)
    except FFmpegError as error:
        raise _cut_short(path, len(survey.times)) from error
    return survey


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
        raise _empty(path)
    return FrameIndex(range(count), first_dts=first_dts, ordinal=True)


def _check_complete(path: Path, stream: av.VideoStream, survey: _Survey) -> None:
    """A cut shows where a header promises more: MP4 lists its packets, Matroska names its end."""
    if (
        len(stream.index_entries) > survey.packets
    ):  # not stream.frames: it counts what an edit list leaves out
        raise _cut_short(path, len(survey.times))
    promised = _seconds(stream.metadata.get("DURATION", ""))
    rate, tick = stream.average_rate, stream.time_base
    if promised and rate and tick and promised - survey.last_end * tick > 2 / Fraction(rate):
        raise _cut_short(path, len(survey.times))


def _seconds(clock: str) -> Fraction:
    """Of Matroska's DURATION tag, "00:00:06.833000000"; 0 where there is none."""
    try:
        hours, minutes, seconds = clock.split(":")
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return Fraction(0)


def _empty(path: Path) -> CorruptMedia:
    return CorruptMedia(f"{path.name} holds 0 frames. Export or copy it again.", frame=0)


def _cut_short(path: Path, frame: int) -> CorruptMedia:
    return CorruptMedia(
        f"{path.name} is cut short or damaged: only {frame} frames can be reached. Export or copy it again.",
        frame=frame,
    )
