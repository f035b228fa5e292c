"""What the viewer shows at a frame of a timeline: the top-most enabled items, over one another."""

from __future__ import annotations

import av
import numpy as np

from .media_file import Pixels, frame_at
from .state import Item, Timeline, Track
from .timecode import rate_of


def shown_at(
    timeline: Timeline, frame: int, size: tuple[int, int], tracks: list[Track] | None = None
) -> Pixels:
    """(H, W, 4) at absolute *frame*, for *size* (width, height): black and clear where nothing lies.

    Items before the timeline's start are never rendered, though they read back well (B12).
    """
    width, height = size
    canvas = np.zeros((height, width, 4), np.float32)
    for track in timeline.tracks["video"] if tracks is None else tracks:
        if not track.enabled:
            continue
        for item in track.items:
            if item.enabled and item.covers(frame) and item.start >= timeline.start:
                picture = item_at(timeline, item, frame)
                if picture is not None:
                    canvas = _over(fitted(picture, size), canvas)
    return canvas


def item_at(timeline: Timeline, item: Item, frame: int) -> Pixels | None:
    """The item's own picture at absolute timeline *frame*, retimed."""
    media = item.media
    if media is None or media.path is None:
        return None
    return frame_at(media.path, source_frame(timeline, item, frame), media.sequence_start)


def source_frame(timeline: Timeline, item: Item, frame: int) -> int:
    """The frame of the media that *item* shows at absolute *frame*: nearest below, as a cut without blending has."""
    assert item.media is not None
    if item.media.kind == "Still":
        return 0
    per_frame = item.media.rate / rate_of(timeline.settings["timelineFrameRate"]) * abs(item.speed)
    step = int((frame - item.start) * per_frame)
    return item.source_start + item.source_span - 1 - step if item.speed < 0 else item.source_start + step


def fitted(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """Scaled to fit, centred, clear beyond: Resolve's "scale entire image to fit"."""
    width, height = size
    if picture.shape[:2] == (height, width):
        return picture
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    frame = av.VideoFrame.from_ndarray(np.rint(picture * 65535).astype(np.uint16), "rgba64le")
    scaled = frame.reformat(width=inner[0], height=inner[1]).to_ndarray().astype(np.float32) / 65535
    canvas = np.zeros((height, width, 4), np.float32)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = scaled
    return canvas


def _over(above: Pixels, below: Pixels) -> Pixels:
    """Straight alpha over straight alpha."""
    above_alpha, below_alpha = above[..., 3:], below[..., 3:]
    alpha = above_alpha + below_alpha * (1 - above_alpha)
    colour = above[..., :3] * above_alpha + below[..., :3] * below_alpha * (1 - above_alpha)
    return np.concatenate([colour / np.maximum(alpha, 1e-6), alpha], axis=-1).astype(np.float32)
