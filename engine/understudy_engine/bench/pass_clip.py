"""The clip whose passes are timed: one drawn person, enlarged to 720p and stored as cameras and editors do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ..media.deliver import DeliveryCodec, deliver
from ..media.info import ColourTags
from ..media.write import write_layer
from ..preprocess.frames import reflect_index
from ..training.studio.clips import render_clips
from ..types import FrameSize, Picture, RgbFrames
from .material import frames_of

SEED = 500_001  # from the knees up; no net learnt from it
SIZE = FrameSize(1280, 720)
RATE = Fraction(24)
RENDERED = 41  # frames; longer clips play them back and forth


def write_clip(path: Path, frames: int) -> Path:
    """H.264 in MP4, visually lossless. Memory: the drawn frames, 8 MB, and one of 720p."""
    drawn = render_clips([SEED], frames=min(frames, RENDERED), want=frozenset(("plate",)))
    tags = ColourTags("bt709", "bt709", "bt709", "tv")
    with tempfile.TemporaryDirectory() as scratch:
        master = Path(scratch) / "clip.mkv"
        write_layer(master, _pictures(frames_of(drawn.plate[0]), frames), rate=RATE, colour=tags)
        deliver(master, path, DeliveryCodec.H264)
    return path


def _pictures(drawn: RgbFrames, frames: int) -> Iterator[Picture]:
    for index in range(frames):
        yield Picture((enlarged(drawn[reflect_index(index, len(drawn))]),), "rgb24")


def enlarged(frame: RgbFrames) -> RgbFrames:
    """(H, H, 3) as high as SIZE, in its middle, with its outermost columns on to both sides."""
    square = cv2.resize(frame, (SIZE.height, SIZE.height), interpolation=cv2.INTER_CUBIC)
    aside = (SIZE.width - SIZE.height) // 2
    wide = cv2.copyMakeBorder(square, 0, 0, aside, aside, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(wide)
