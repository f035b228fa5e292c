"""Streams of frames made from other streams, read at any place without holding them whole.

All are FrameSources. Indices count from the start of the requested range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize, FrameSource, RgbFrames
from .draw import draw_skeleton
from .face import Edges, crop_face
from .keypoints import Skeleton
from .sizing import Box

AT_ONCE = (
    4  # frames read from a file at a time: they are of the file's size, which may be far beyond the canvas
)

Frames = NDArray[Any]
T = TypeVar("T")
Item = TypeVar("Item", covariant=True)


class Indexed(Protocol[Item]):
    """Something for each frame of a range."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Item: ...


@dataclass(frozen=True, slots=True)
class Each(Generic[T]):
    """*length* things, each made when it is asked for."""

    make: Callable[[int], T]
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int, /) -> T:
        if not 0 <= index < self.length:
            raise IndexError(f"{index} of {self.length}")
        return self.make(index)


def gather(indices: Sequence[int], read: Callable[[list[int]], Frames]) -> Frames:
    """What *read* gives for *indices*, each of them read once, in order, AT_ONCE at a time.

    Reflected ends and repeats then cost no second decoding, and files are read forwards.
    """
    unique, positions = np.unique(np.asarray(indices, int), return_inverse=True)
    parts = [read(unique[i : i + AT_ONCE].tolist()) for i in range(0, len(unique), AT_ONCE)]
    frames = np.concatenate(parts) if parts else read([])
    in_order = np.array_equal(positions, np.arange(len(frames)))
    return frames if in_order else frames[positions]


class Still:
    """The first frame of a stream, *length* times."""

    def __init__(self, source: FrameSource, length: int) -> None:
        self._source = source
        self._length = length

    @property
    def size(self) -> FrameSize:
        return self._source.size

    def __len__(self) -> int:
        return self._length

    def read(self, indices: Sequence[int]) -> RgbFrames:
        return np.repeat(self._source.read([0]), len(indices), axis=0)


class Mapped:
    """Every frame of a stream through a function that gives a frame of *size*."""

    def __init__(self, source: FrameSource, size: FrameSize, change: Callable[[Frames], Frames]) -> None:
        self.size = size
        self._source = source
        self._change = change

    def __len__(self) -> int:
        return len(self._source)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        if not indices:
            return np.zeros((0, self.size.height, self.size.width, 3), np.uint8)
        return gather(indices, self._read)

    def _read(self, indices: list[int]) -> RgbFrames:
        return np.stack([self._change(frame) for frame in self._source.read(indices)])


class Black:
    """Nothing, *length* frames long."""

    def __init__(self, size: FrameSize, length: int) -> None:
        self.size = size
        self._length = length

    def __len__(self) -> int:
        return self._length

    def read(self, indices: Sequence[int]) -> RgbFrames:
        return np.zeros((len(indices), self.size.height, self.size.width, 3), np.uint8)


class DrawnSkeletons:
    """Skeletons, one a frame in pixels of a canvas of *size*, as pictures."""

    def __init__(self, skeletons: Indexed[Skeleton], size: FrameSize) -> None:
        self.size = size
        self._skeletons = skeletons

    def __len__(self) -> int:
        return len(self._skeletons)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        frames = np.zeros((len(indices), self.size.height, self.size.width, 3), np.uint8)
        for frame, index in zip(frames, indices, strict=True):
            frame[:] = draw_skeleton(self._skeletons[index], self.size)
        return frames


class FaceCrops:
    """The face in each frame of a clip as a square picture; black where there is none."""

    def __init__(self, clip: FrameSource, boxes: Indexed[Box | Edges | None], size_px: int) -> None:
        self.size = FrameSize(size_px, size_px)
        self._clip = clip
        self._boxes = boxes

    def __len__(self) -> int:
        return len(self._boxes)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        if not indices:
            return np.zeros((0, self.size.height, self.size.width, 3), np.uint8)
        return gather(indices, self._read)

    def _read(self, indices: list[int]) -> RgbFrames:
        frames = self._clip.read(indices)
        boxes = [self._boxes[index] for index in indices]
        return np.stack([crop_face(f, b, self.size.width) for f, b in zip(frames, boxes, strict=True)])
