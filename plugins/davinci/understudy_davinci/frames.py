"""Frame arithmetic between a timeline of Resolve and a clip. Four spaces, and no number leaves one unnamed:

- *source frames*: of a file, from 0. A clipInfo's startFrame and endFrame are these, the end exclusive (Resolve 19
  and later).
- *record frames*: absolute frames of a timeline, which begins at 86400 where its timecode begins at 01:00:00:00 and
  24 frames are a second. GetStart, GetEnd (exclusive) and recordFrame are these.
- *render marks*: MarkIn and MarkOut of a render job: record frames, the last one inclusive.
- *relative frames*: of timeline markers and of GetMarkInOut, from the timeline's first frame; out is inclusive.

Rates are rational: 24000/1001, never 23.976.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Self

NTSC = Fraction(1000, 1001)
NTSC_TEXT = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "47.95": 48, "59.94": 60, "119.88": 120}


class SourceSpan(NamedTuple):
    """Source frames, the end exclusive."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class RecordSpan(NamedTuple):
    """Record frames, the end exclusive."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    def overlap(self, other: RecordSpan) -> RecordSpan:
        """What both cover; its length is 0 where they do not touch."""
        start = max(self.start, other.start)
        return RecordSpan(start, max(start, min(self.end, other.end)))


class Handles(NamedTuple):
    """Frames of the file beside the cut."""

    before: int
    behind: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames a second, and whether their timecode drops numbers."""

    fps: Fraction
    drop: bool = False

    @classmethod
    def read(cls, value: object) -> Self:
        """What Resolve says: "24", 24.0, "23.976", "29.97 DF".

        Raises:
            ValueError: it is no rate.
        """
        text = str(value).strip()
        drop = text.upper().endswith("DF")
        number = text[:-2].strip() if drop else text
        fps = Fraction(number)
        if fps <= 0:
            raise ValueError(f"{text} is no frame rate")
        for nominal in NTSC_TEXT.values():
            if abs(fps - nominal * NTSC) < Fraction(1, 100):  # 23.976 and 23.98 alike; 24 is 0.024 away
                fps = nominal * NTSC
        return cls(fps, drop)

    @property
    def setting(self) -> str:
        """As Resolve's settings write it: "23.976", "24", "29.97 DF"."""
        number = f"{float(self.fps):.3f}".rstrip("0").rstrip(".")
        return f"{number} DF" if self.drop else number

    @property
    def counted(self) -> int:
        """Frame numbers a second of timecode: 30 of 29.97."""
        return round(self.fps)

    @property
    def dropped(self) -> int:
        """Numbers left out at each minute that is no tenth: 2 of 29.97, 4 of 59.94."""
        return round(self.counted / 15) if self.drop else 0


# ---- Timecode ------------------------------------------------------------------------------------------------


def timecode(frame: int, rate: Rate) -> str:
    """*frame*, absolute, as Resolve writes it: 86400 of 24 is "01:00:00:00"; ";" before drop frames."""
    number = _with_dropped(frame, rate)
    seconds, frames = divmod(number, rate.counted)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    digits = len(str(rate.counted - 1))
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if rate.drop else ':'}{frames:0{max(digits, 2)}}"


def frame_of(text: str, rate: Rate) -> int:
    """The absolute frame that "01:00:00:00" names.

    Raises:
        ValueError: *text* is no timecode of that rate, or a number that is dropped.
    """
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d)[:;.](\d{2,3})", text.strip())
    if not found:
        raise ValueError(f"{text!r} is no timecode")
    hours, minutes, seconds, frames = (int(each) for each in found.groups())
    if minutes > 59 or seconds > 59 or frames >= rate.counted:
        raise ValueError(f"{text!r} is no timecode at {rate.counted} frames a second")
    if rate.drop and minutes % 10 and seconds == 0 and frames < rate.dropped:
        raise ValueError(f"{text!r} is left out by drop-frame timecode")
    total_minutes = 60 * hours + minutes
    number = (60 * total_minutes + seconds) * rate.counted + frames
    return number - rate.dropped * (total_minutes - total_minutes // 10)


def _with_dropped(frame: int, rate: Rate) -> int:
    """The number that timecode shows for *frame*: what is dropped is counted."""
    if not rate.dropped:
        return frame
    minute = 60 * rate.counted - rate.dropped
    ten_minutes = 10 * minute + rate.dropped
    tens, rest = divmod(frame, ten_minutes)
    minutes = 0 if rest < 60 * rate.counted else 1 + (rest - 60 * rate.counted) // minute
    return frame + rate.dropped * (9 * tens + minutes)


# ---- From one space to another -------------------------------------------------------------------------------


def render_marks(span: RecordSpan) -> tuple[int, int]:
    """MarkIn and MarkOut: the last one is rendered too."""
    return span.start, span.end - 1


def relative(frame: int, timeline_start: int) -> int:
    """Where a timeline's marker for a record frame is."""
    return frame - timeline_start


def absolute(frame: float, timeline_start: int) -> int:
    """The record frame of a timeline's marker; Resolve keys them by floats."""
    return round(frame) + timeline_start


def marked(mark_in: int | None, mark_out: int | None, timeline: RecordSpan) -> RecordSpan:
    """What in and out marks (relative, out inclusive) leave of *timeline*; None: not set."""
    start = timeline.start if mark_in is None else absolute(mark_in, timeline.start)
    end = timeline.end if mark_out is None else absolute(mark_out, timeline.start) + 1
    return RecordSpan(start, max(start, end))


def shown_source(left_offset: int, cut: RecordSpan, part: RecordSpan) -> SourceSpan:
    """The source frames of *part* of a cut that shows one of them a record frame, the first at *left_offset*."""
    start = left_offset + part.start - cut.start
    return SourceSpan(start, start + part.length)


def handles(shown: SourceSpan, media_frames: int, wanted: int) -> Handles:
    """Up to *wanted* frames on either side, as far as the file has them.

    The tail is counted from the file's length: what GetRightOffset tells has changed between versions.
    """
    tail = media_frames - shown.end
    return Handles(max(0, min(wanted, shown.start)), max(0, min(wanted, tail)))


def with_handles(shown: SourceSpan, beside: Handles) -> SourceSpan:
    return SourceSpan(shown.start - beside.before, shown.end + beside.behind)


# ---- Rates that differ ---------------------------------------------------------------------------------------


def record_length(source_frames: int, source: Rate, timeline: Rate) -> int:
    """How many record frames Resolve gives to so many source frames: rounded down where the rates differ."""
    return int(source_frames * timeline.fps / source.fps)


def source_length(first: int, last: int, *, same_rate: bool) -> int:
    """Source frames between GetSourceStartFrame and GetSourceEndFrame, negative when the clip runs backwards.

    The end is exclusive where source and timeline have one rate, and inclusive where they differ.
    """
    length = last - first
    if same_rate:
        return length
    return length - 1 if length < 0 else length + 1


def is_retimed(left_offset: int, first: int, last: int, record_frames: int) -> bool:
    """Whether a clip of the timeline's own rate is shown faster, slower or backwards, or nobody can tell.

    Args:
        first, last: what GetSourceStartFrame and GetSourceEndFrame say; 0 and 0 are not known.
    """
    if last - left_offset == record_frames and abs(first - left_offset) <= 1:
        return False  # the first one is sometimes one too far
    return source_length(first, last, same_rate=True) != record_frames
