"""How a clip of any length is cut into segments of 4n + 1 frames.

The reference (Wan2.2, wan/animate.py) crashes on short clips and renders two full segments for 78 frames; the plan here
does neither. tests/golden_cases/reference.py has its windows.
"""

from __future__ import annotations

from itertools import pairwise

from ..types import FrameRange, Segment


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
    return tuple(_segment(i, frames, length=length, overlap=overlap) for i in range(count))


def plan_retake(frames: int, span: FrameRange, *, segment_frames: int, overlap: int) -> tuple[Segment, ...]:
    """Segments that deliver each frame of *span* exactly once, between frames that are known already.

    The first begins with *overlap* frames from before the span (one, where there are fewer); the last ends with at
    least as many from behind it, as far as the clip and *segment_frames* have room for them.

    Args:
        frames: length of the whole range, of which *span* is a part.
        segment_frames, overlap: as in `plan_segments`.
    """
    before = _carried(span.start, overlap)
    behind = min(overlap, frames - span.end, segment_frames - overlap - 1)
    shares = _shares(len(span), before, behind, segment_frames=segment_frames, overlap=overlap)
    starts = [span.start + sum(shares[:i]) for i in range(len(shares) + 1)]
    segments: list[Segment] = []
    for index, (start, end) in enumerate(pairwise(starts)):
        carried = _carried(start - segments[-1].start, overlap) if segments else before
        needed = carried + end - start
        length = ceil_to_latent(needed + (behind if end == span.end else 0))
        segments.append(
            Segment(
                index=index, start=start - carried, length=length, overlap=carried, padding=length - needed
            )
        )
    return tuple(segments)


def _carried(available: int, overlap: int) -> int:
    """How many of *available* frames a segment begins with: *overlap*, or one, as the model was trained; or none."""
    return overlap if available >= overlap else min(available, 1)


def _shares(span: int, before: int, behind: int, *, segment_frames: int, overlap: int) -> list[int]:
    """How many frames of *span* each segment delivers: as even as can be, and no more than it has room for."""
    if before + span + behind <= segment_frames:
        return [span]
    room, last_room = segment_frames - overlap, segment_frames - overlap - behind
    others = -(-max(1, span - last_room) // room)
    last = min(last_room, span // (others + 1))
    rest = span - last
    return [rest // others + (i < rest % others) for i in range(others)] + [last]


def _segment(index: int, frames: int, *, length: int, overlap: int) -> Segment:
    start = index * (length - overlap)
    needed = min(length, frames - start)
    own_length = ceil_to_latent(needed)
    return Segment(
        index=index,
        start=start,
        length=own_length,
        overlap=overlap if index else 0,
        padding=own_length - needed,
    )
