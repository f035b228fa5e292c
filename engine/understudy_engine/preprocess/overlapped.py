"""Frames read ahead by one thread and looked at by several, so that decoding, cropping and nets overlap."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..types import FrameSource

Rgb = NDArray[np.uint8]
T = TypeVar("T")

READ_AHEAD = 1  # frames that wait, beside those that are looked at


def overlapped(
    clip: FrameSource, look: Callable[[int, Rgb], T], indices: Iterable[int], workers: int
) -> Generator[T]:
    """What *look* makes of frames *indices*, (H, W, 3) each, in their order.

    Up to *workers* frames are looked at side by side, so *look* must bear that; the clip is read by one thread alone,
    in order, and must be left to it until the generator has ended. What goes wrong is raised in the frame's turn.

    Memory: workers + 1 frames, whatever the clip's length, and what *look* makes of them.
    """
    if workers < 2:
        yield from (look(index, clip.read([index])[0]) for index in indices)
        return
    waiting = deque[Future[T]]()
    with ThreadPoolExecutor(1, "reads") as reader, ThreadPoolExecutor(workers, "looks") as lookers:

        def read(index: int) -> Rgb:
            frame: Rgb = clip.read([index])[0]
            return frame

        def look_at(index: int, frame: Future[Rgb]) -> T:
            return look(index, frame.result())

        try:
            for index in indices:
                waiting.append(lookers.submit(look_at, index, reader.submit(read, index)))
                if len(waiting) > workers + READ_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
