"""Which frames, and which part of a picture, of a supplied pass belong to the clip; what does not fit is refused."""

from __future__ import annotations

from ..errors import PassMismatch
from ..types import FrameRange, FrameSize
from .motion.corrections import Corrections
from .sizing import Box, reference_content


def frames_of_range(length: int, what: str, frames: FrameRange, clip_frames: int) -> FrameRange:
    """Which frames of a pass of *length* frames belong to *frames* of a clip of *clip_frames*.

    Raises PassMismatch for a pass that is neither as long as the range nor as the clip; *what* names it.
    """
    wanted = len(frames)
    if length == wanted:
        return FrameRange(0, wanted)
    if length == clip_frames:
        return frames
    whole = f", the whole clip {clip_frames}" if clip_frames != wanted else ""
    raise PassMismatch(
        f"The {what} pass has {length} frames; the range has {wanted}{whole}. "
        "Supply it as long as the range or as the whole clip.",
        what=what,
        frames=length,
        expected=wanted,
    )


def corrections_of_range(
    corrections: Corrections, size: FrameSize, frames: FrameRange, clip_frames: int
) -> Corrections:
    """Those of *frames* of a clip of *clip_frames*, counted from their start, in pixels of the clip's *size*.

    Raises PassMismatch for corrections of another shape than the clip, or of frames behind its end.
    """
    if not same_aspect(corrections.size, size):
        raise other_shape("correction", corrections.size, size)
    corrections.refuse_beyond(clip_frames)
    return corrections.cut(frames).scaled_to(size)


def same_aspect(a: FrameSize, b: FrameSize) -> bool:
    """To the rounding of a pixel, or half a percent."""
    return abs(a.height - a.width * b.height / b.width) <= max(1, 0.005 * a.height)


def content_of(size: FrameSize, source: FrameSize) -> Box | None:
    """Where pictures of *size* show a clip of *source*'s shape; None where they are of another shape."""
    if same_aspect(size, source):
        return Box(0, 0, *size)
    return reference_content(source, size)


def other_shape(what: str, size: FrameSize, source: FrameSize) -> PassMismatch:
    return PassMismatch(
        f"The {what} pass is {size.width}x{size.height}, of another shape than the clip's "
        f"{source.width}x{source.height}. Supply it at the clip's size, or scaled evenly.",
        what=what,
        width=size.width,
        height=size.height,
    )
