# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame arithmetic between the timeline and a clip. Knows nothing of bpy.

Timeline frames are scene frames; clip frames are zero-based. Every end is behind the last frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

CHANNELS = 128  # Blender clamps larger numbers


class Refusal(Exception):
    """Why something is not done, in one sentence for the artist; *fix* names what the panel offers against it."""

    def __init__(self, text: str, *, fix: str = "") -> None:
        super().__init__(text)
        self.fix = fix


class ClipRange(NamedTuple):
    start: int
    end: int


class Occupied(NamedTuple):
    """Where a strip lies."""

    channel: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A strip's timing, in timeline frames, under Blender 5.1's names."""

    content_start: int  # where the first untrimmed frame would lie
    content_duration: int  # frames of the content, content trims taken off
    content_trim_start: int  # frames taken off the content's head
    content_trim_end: int = 0
    left_handle: int
    right_handle: int

    @property
    def duration(self) -> int:
        return self.right_handle - self.left_handle


def visible_clip_range(timing: Timing) -> ClipRange:
    """The clip frames that a strip shows, if it shows one a timeline frame.

    Raises:
        Refusal: the strip holds its first or last frame beyond the clip.
    """
    held = max(timing.content_start - timing.left_handle, 0)
    held += max(timing.right_handle - timing.content_start - timing.content_duration, 0)
    if held:
        raise Refusal(
            f"The strip holds a still for {held} frames beyond its clip. Trim its ends to the clip."
        )
    start = timing.left_handle - timing.content_start + timing.content_trim_start
    return ClipRange(start, start + timing.duration)


def with_handles(shown: ClipRange, handles: int, clip_frames: int) -> ClipRange:
    """*shown* and up to *handles* frames of the clip on either side."""
    return ClipRange(max(shown.start - handles, 0), max(min(shown.end + handles, clip_frames), shown.end))


def clip_frames(timing: Timing) -> int:
    """How many frames the whole clip has."""
    return timing.content_trim_start + timing.content_duration + timing.content_trim_end


def spans(indices: set[int]) -> list[tuple[int, int]]:
    """*indices* as ranges, ends behind the last."""
    spans: list[tuple[int, int]] = []
    for index in sorted(indices):
        if spans and spans[-1][1] == index:
            spans[-1] = (spans[-1][0], index + 1)
        else:
            spans.append((index, index + 1))
    return spans


def fitting_scale(size: tuple[int, int], into: tuple[int, int]) -> float:
    """By what a picture is scaled to be seen whole."""
    return min(into[0] / size[0], into[1] / size[1])


def plays_one_to_one(clip_fps: float, scene_fps: float) -> bool:
    """Whether the two rates are the same; 23.976 and 24 are not."""
    return abs(clip_fps - scene_fps) < 1e-4 * scene_fps


def free_channel(
    occupied: Iterable[Occupied], closed: Iterable[int], *, above: int, start: int, end: int
) -> int:
    """The lowest channel over *above* where nothing lies between *start* and *end* and that is not *closed*.

    Raises:
        Refusal: none of the 128 is free.
    """
    taken = {strip.channel for strip in occupied if strip.start < end and start < strip.end}
    taken.update(closed)
    for channel in range(above + 1, CHANNELS + 1):
        if channel not in taken:
            return channel
    raise Refusal(
        f"No channel above {above} is free from frame {start} to {end - 1}. Clear or unlock one, then try again.",
        fix="unlock_channel",
    )
