"""Which clip frame stands at a position beyond the clip's end."""

from __future__ import annotations


def reflect_index(index: int, length: int) -> int:
    """Position *index* of a clip of *length* frames played back and forth: 0 1 2 1 0 1 2 ... for 3 frames.

    The end frames are not repeated. Works for every index and for a clip of one frame.

    Raises:
        ValueError: the clip has no frame.
    """
    if length < 1:
        raise ValueError(f"a clip of {length} frames has nothing to reflect")
    if length == 1:
        return 0
    period = 2 * (length - 1)
    position = index % period
    return min(position, period - position)
