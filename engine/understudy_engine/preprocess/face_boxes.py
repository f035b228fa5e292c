"""Face boxes as a file: {"format": "understudy.face_boxes", "version": 1, "width", "height", "boxes": [...]}.

One box a frame, [x0, y0, x1, y1] in pixels of width x height, or null where no face is to be seen. A bare
list of boxes is read too, in pixels of the clip.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PassMismatch, UnsupportedMedia
from ..types import FrameSize
from .documents import read_json, stated_size
from .sizing import Box

FORMAT = "understudy.face_boxes"
VERSION = 1


def read_face_boxes(path: Path, size: FrameSize) -> list[Box | None]:
    """Boxes in pixels of a clip of *size*, cut at the frame's edges; None where nothing of one is left.

    Raises:
        MediaNotFound, MediaTooLarge, UnsupportedMedia (no boxes in it), PassMismatch (a box that is none).
    """
    document = read_json(path)
    boxes, own_size = document, size
    if isinstance(document, dict):
        if document.get("format") != FORMAT or document.get("version") != VERSION:
            raise UnsupportedMedia(
                f'{path.name} does not begin with "format": "{FORMAT}", "version": {VERSION}.'
            )
        boxes, own_size = document.get("boxes"), stated_size(document) or size
    if not isinstance(boxes, list):
        raise UnsupportedMedia(f"{path.name} holds no list of boxes. Supply one box x0, y0, x1, y1 a frame.")
    scale = np.array([size.width / own_size.width, size.height / own_size.height] * 2)
    return [_box(entry, scale, size, frame) for frame, entry in enumerate(boxes)]


def _box(entry: Any, scale: Any, size: FrameSize, frame: int) -> Box | None:
    if entry is None:
        return None
    try:
        corners = np.array(entry, float)
    except (TypeError, ValueError, OverflowError):
        corners = np.zeros(0)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise PassMismatch(
            f"The face box of frame {frame} is not four numbers x0, y0, x1, y1. "
            "Write null for a frame without a face.",
            frame=frame,
        )
    limits = [size.width, size.height] * 2
    x0, y0, x1, y1 = np.clip(np.rint(corners * scale), 0, limits).astype(int).tolist()
    return Box(x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None
