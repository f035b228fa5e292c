"""A movie of a pass that runs at another rate than its clip: frame to frame where both have as many, else by time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

from ..media.read import Clip
from ..media.rgb import RgbSource
from ..types import FrameRange, FrameSize, FrameSource, RgbFrames
from .conform import frames_of_range

SAME_RATE = Fraction(1, 100)  # of the rate: 23.976 beside 24 is another name for the same frames


def read_timed(
    opened: Clip, what: str, frames: FrameRange, clip_frames: int, clip_rate: Fraction | None
) -> tuple[FrameSource, list[str]]:
    """The pictures of a pass for *frames* of a clip, and what the artist should know of their rate.

    A pass of another rate that is as long in seconds as the clip, or as the range, gives each frame of the clip its
    nearest in time.

    Raises PassMismatch for a pass that is as long as neither, in frames or in seconds.
    """
    count, rate = opened.info.frame_count, opened.info.rate
    if rate is None or clip_rate is None or abs(rate - clip_rate) <= SAME_RATE * clip_rate:
        return RgbSource(opened, frames=frames_of_range(count, what, frames, clip_frames)), []
    rates = f"The {what} pass runs at {float(rate):.5g} frames a second, the clip at {float(clip_rate):.5g}"
    if count in (len(frames), clip_frames):
        own = frames_of_range(count, what, frames, clip_frames)
        return RgbSource(opened, frames=own), [f"{rates}. Both have {count} frames: frame goes to frame."]
    for span in (FrameRange(0, clip_frames), FrameRange(0, len(frames))):
        if _same_seconds(count, rate, len(span), clip_rate):
            first = frames.start if len(span) == clip_frames else 0
            wanted = range(first, first + len(frames))
            nearest = [nearest_frame(index, rate, clip_rate, count) for index in wanted]
            told = f"{rates}. Each frame of the clip takes the pass's nearest in time; supply it at the clip's rate."
            return Picked(RgbSource(opened), nearest), [told]
    return RgbSource(opened, frames=frames_of_range(count, what, frames, clip_frames)), []


def nearest_frame(index: int, rate: Fraction, clip_rate: Fraction, count: int) -> int:
    """Of *count* frames at *rate* the one that is shown nearest to when the clip shows *index*; the later of two."""
    return min(floor(index * rate / clip_rate + Fraction(1, 2)), count - 1)


def _same_seconds(count: int, rate: Fraction, clip_frames: int, clip_rate: Fraction) -> bool:
    """To one frame of either."""
    return abs(count / rate - clip_frames / clip_rate) <= max(1 / rate, 1 / clip_rate)


class Picked:
    """Frames *indices* of a stream, in that order."""

    def __init__(self, source: FrameSource, indices: Sequence[int]) -> None:
        self._source = source
        self._indices = indices

    @property
    def size(self) -> FrameSize:
        return self._source.size

    def __len__(self) -> int:
        return len(self._indices)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        return self._source.read([self._indices[index] for index in indices])
