"""What the reference does and Understudy does otherwise (Wan2.2, wan/animate.py), to compare with its files."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy_engine.preprocess.sizing import letterbox, reference_size
from understudy_engine.types import FrameSize, Segment

Pixels = NDArray[np.uint8]


def windows(frames: int, *, segment_frames: int, overlap: int) -> tuple[Segment, ...]:
    """Every segment full, the clip padded to fill the last."""
    step = segment_frames - overlap
    count = max(1, -(-(frames - overlap) // step))
    return tuple(
        Segment(
            index=index,
            start=index * step,
            length=segment_frames,
            overlap=overlap if index else 0,
            padding=max(0, index * step + segment_frames - frames),
        )
        for index in range(count)
    )


def frame_indices(frame_count: int, video_fps: float, length: int, fps: float) -> list[int]:
    """Clip frames for *length* frames at *fps*: it resamples every clip to 30 by dropping or repeating frames."""
    seconds = np.arange(length) / fps
    indices = np.round(seconds * video_fps).astype(int)  # float and half to even, as the reference rounds
    return [int(index) for index in np.clip(indices, 0, frame_count - 1)]


def dilate(mask: Pixels, kernel_px: int = 7, iterations: int = 3) -> Pixels:
    """A matte grown by a square kernel, several times; as it comes by 9 pixels."""
    return np.asarray(cv2.dilate(mask, np.ones((kernel_px, kernel_px), np.uint8), iterations=iterations))


def resize(picture: Pixels, area_px: int, divisor: int = 16) -> Pixels:
    """(H, W, 3) as ``resize_by_area`` gives it, thin black bars included."""
    source = FrameSize(picture.shape[1], picture.shape[0])
    size = reference_size(source, area_px, divisor)
    shrinks = size.width * size.height < source.width * source.height
    return letterbox(picture, size, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
