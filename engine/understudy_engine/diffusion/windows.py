"""How a clip of any length is cut into segments of 4n + 1 frames.

Source: Wan2.2 reference wan/animate.py (``reference_windows``), which crashes on short clips and renders two full
segments for 78 frames; the default plan here does neither.
"""

from __future__ import annotations

from ..types import Segment


def ceil_to_latent(frames: int) -> int:
    """The smallest 4n + 1 that is not below *frames*."""
    return (frames + 2) // 4 * 4 + 1


def plan_segments(frames: int, *, segment_frames: int, overlap: int) -> tuple[Segment, ...]:
    """Segments that deliver each of *frames* frames exactly once, as few and as even as they can be.

    Args:
        frames: length of the clip's range, 1 or more.
        segment_frames: the most frames a segment may have, 4n + 1.
        overlap: frames that each segment repeats from the one before, 1 or 5.
    """
    if frames <= segment_frames:
        count, length = 1, ceil_to_latent(frames)
    else:
        count = -(-(frames - overlap) // (segment_frames - overlap))
        length = ceil_to_latent(overlap + -(-(frames - overlap) // count))
    return tuple(_segment(i, frames, ceil_last=True, length=length, overlap=overlap) for i in range(count))


def reference_windows(frames: int, *, segment_frames: int, overlap: int) -> tuple[Segment, ...]:
    """The reference's own plan: every segment full, the clip padded to fill the last. For parity only."""
    count = max(1, -(-(frames - overlap) // (segment_frames - overlap)))
    return tuple(
        _segment(i, frames, ceil_last=False, length=segment_frames, overlap=overlap) for i in range(count)
    )


def _segment(index: int, frames: int, *, ceil_last: bool, length: int, overlap: int) -> Segment:
    start = index * (length - overlap)
    needed = min(length, frames - start)
    own_length = ceil_to_latent(needed) if ceil_last else length
    return Segment(
        index=index,
        start=start,
        length=own_length,
        overlap=overlap if index else 0,
        padding=own_length - needed,
    )
