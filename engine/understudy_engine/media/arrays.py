"""Frames that are in memory already, as a source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..types import FrameSize, RgbFrames


class ArraySource:
    """A `FrameSource` over (T, H, W, 3) uint8 frames."""

    def __init__(self, frames: RgbFrames) -> None:
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ValueError(f"frames must be (T, H, W, 3) uint8, not {frames.shape} {frames.dtype}")
        self._frames = frames

    @property
    def size(self) -> FrameSize:
        return FrameSize(self._frames.shape[2], self._frames.shape[1])

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        """Raises IndexError outside 0 to len - 1."""
        if any(not 0 <= index < len(self) for index in indices):
            raise IndexError(f"frames {list(indices)} of {len(self)}")
        return self._frames[np.asarray(indices, np.intp)]
