"""A small clip and its passes as files, opened as the engine opens them."""

from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from understudy_engine.media.info import ColourTags
from understudy_engine.media.read import open_clip
from understudy_engine.media.write import write_layer
from understudy_engine.preprocess.passes import open_passes
from understudy_engine.preprocess.sizing import fit
from understudy_engine.types import (
    FrameRange,
    FrameSize,
    MatteOptions,
    PassFiles,
    Picture,
    SwapRequest,
)

SIZE = FrameSize(128, 96)
FRAMES = 9
AREA_PX = 64 * 48
FACE_PX = 16
WHOLE = FrameRange(0, FRAMES)


def movie(path: Path, frames: NDArray[np.uint8], rate: Fraction = Fraction(24)) -> Path:
    """A lossless movie of (T, H, W, 3) frames."""
    pictures = [Picture((np.ascontiguousarray(frame),), "rgb24") for frame in frames]
    write_layer(path, pictures, rate=rate, colour=ColourTags())
    return path


def plate_frames(size: FrameSize = SIZE, count: int = FRAMES) -> NDArray[np.uint8]:
    """Frame k is k * 20 bright, with a gradient from left to right."""
    ramp = np.linspace(0, 60, size.width).astype(np.uint8)[None, None, :, None]
    steps = (np.arange(count, dtype=np.uint8) * 20)[:, None, None, None]
    return np.broadcast_to(ramp + steps, (count, size.height, size.width, 3))


def matte_frames(size: FrameSize = SIZE, count: int = FRAMES) -> NDArray[np.uint8]:
    """A white box that moves two pixels to the right in each frame."""
    frames = np.zeros((count, size.height, size.width, 3), np.uint8)
    for i, frame in enumerate(frames):
        left = round((40 + 2 * i) * size.width / SIZE.width)
        frame[size.height // 4 : size.height // 2, left : left + size.width // 4] = 255
    return frames


@contextmanager
def opened(mode, clip_path, *, frames=WHOLE, source=SIZE, options=None, **files):
    """Passes of a request; *source* is the size that is fitted to the canvas."""
    request = SwapRequest(
        mode=mode,
        clip=clip_path,
        character=Path("unused.png"),
        passes=PassFiles(**files),
        frames=frames,
        matte=options or MatteOptions(),
    )
    fitted = fit(source, AREA_PX)
    if clip_path is None:
        with open_passes(request, None, frames, fitted, FACE_PX) as passes:
            yield passes
        return
    with open_clip(clip_path) as clip, open_passes(request, clip, frames, fitted, FACE_PX) as passes:
        yield passes
