"""Which decoded frames can be believed.

A decoder goes on after damage and passes off as whole what it makes of it: only the frame in which the damage
lies is called corrupt (or lost), not those predicted from it, and these may even be shown before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import av

from .index import FrameIndex


class Decoded(NamedTuple):
    number: int  # among the stored frames
    frame: av.VideoFrame
    damaged: bool


def judged(numbered: Iterator[tuple[int, av.VideoFrame]], index: FrameIndex, first: int) -> Iterator[Decoded]:
    """Frames in ascending order from number *first* on, each told damaged if it may stem from damage.

    A frame is predicted from frames that lie before it in the file, back to the keyframe shown last. It is held
    back until all of these have come or are known to be lost: a few frames, as many as the codec reorders.
    """
    waiting: deque[tuple[int, av.VideoFrame]] = deque()
    bad: list[int] = []  # places in the file
    expected = first

    def verdict() -> Decoded:
        number, frame = waiting.popleft()
        key, place = index.key_place(number), index.places[number]
        return Decoded(number, frame, any(key <= one <= place for one in bad))

    for number, frame in numbered:
        bad.extend(index.places[lost] for lost in range(expected, number))
        if frame.is_corrupt or number in index.damaged:
            bad.append(index.places[number])
        expected = number + 1
        waiting.append((number, frame))
        while waiting and index.settled_by[waiting[0][0]] <= number:
            yield verdict()
    bad.extend(index.places[lost] for lost in range(expected, len(index.times)))
    while waiting:
        yield verdict()


def judged_in_order(frames: Iterator[av.VideoFrame]) -> Iterator[Decoded]:
    """The same for files that say nothing of their order: damage lasts until the next keyframe."""
    damaged = False
    for number, frame in enumerate(frames):
        damaged = frame.is_corrupt or (damaged and not frame.key_frame)
        yield Decoded(number, frame, damaged)
