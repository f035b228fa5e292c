"""Which clip frame stands at a position: beyond the clip's end, or at another rate."""

from __future__ import annotations

import numpy as np


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


def reference_frame_indices(frame_count: int, video_fps: float, length: int, fps: float) -> list[int]:
    """Clip frames that the reference takes for *length* frames at *fps*.

    It resamples every clip to 30 fps by dropping or repeating frames. Understudy keeps the clip's own rate;
    this is here to read the reference's files and to compare with it.
    """
    seconds = np.arange(length) / fps
    indices = np.round(seconds * video_fps).astype(int)  # float and half to even, as the reference rounds
    return [int(index) for index in np.clip(indices, 0, frame_count - 1)]
