"""Drawn people in clips of a few frames, with the truth about them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.training.studio.clips import ClipBatch, render_clips
from understudy_engine.types import FrameSize, Picture, RgbFrames

ALONE = 500_010  # from the waist up
TWO = 500_006  # the first is the larger in the first two frames, the second from then on

WANTED = frozenset(("plate", "clean_plate", "people_mattes", "keypoints"))


@cache
def studio_clip(seed: int, frames: int, size: int = 256) -> ClipBatch:
    """One of the studio's training clips."""
    return render_clips([seed], frames=frames, size=size, want=WANTED)


def plate_of(clips: ClipBatch) -> RgbFrames:
    return np.ascontiguousarray(clips.plate[0].permute(0, 2, 3, 1).numpy())


def empty_plate_of(clips: ClipBatch) -> RgbFrames:
    """The same without the first person."""
    return np.ascontiguousarray(clips.clean_plate[0].permute(0, 2, 3, 1).numpy())


def matte_of(clips: ClipBatch, person: int) -> NDArray[np.uint8]:
    """(T, H, W), 255 = the person."""
    return np.asarray(clips.people_mattes[0, person].numpy())


def points_of(clips: ClipBatch, person: int) -> NDArray[np.float32]:
    return np.asarray(clips.keypoints[0, person].numpy())


def agreement(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """What two mattes have in common over what they cover together, 0-1."""
    a, b = found > 127, truth > 127
    return float((a & b).sum() / max(1, int((a | b).sum())))


def write_movie(path: Path, frames: RgbFrames) -> Path:
    """Lossless, 24 frames a second."""
    pictures = [Picture((np.ascontiguousarray(frame),), "rgb24") for frame in frames]
    write_layer(path, pictures, rate=Fraction(24), colour=ColourTags())
    return path


class Frames:
    """A FrameSource in memory that counts what is read."""

    def __init__(self, frames: RgbFrames) -> None:
        self.frames = frames
        self.size = FrameSize(frames.shape[2], frames.shape[1])
        self.reads: list[int] = []

    def __len__(self) -> int:
        return len(self.frames)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        self.reads += indices
        return self.frames[list(indices)]
