"""Face boxes as a file: {"format": "understudy.face_boxes", "version": 1, "width", "height", "boxes": [...]}.

One box a frame, [x0, y0, x1, y1] in pixels of width x height, or null where no face is to be seen. A bare
list of boxes is read too, in pixels of the clip. Boxes are rounded to whole pixels, unless "between_pixels" is true.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PassMismatch, UnsupportedMedia
from ..types import FrameSize
from .documents import read_json, stated_size
from .face import Edges
from .sizing import Box

FORMAT = "understudy.face_boxes"
VERSION = 1


def read_face_boxes(path: Path, size: FrameSize) -> list[Box | Edges | None]:
    """Boxes in pixels of a clip of *size*, cut at the frame's edges; None where nothing of one is left.

    Raises:
        MediaNotFound, MediaTooLarge, UnsupportedMedia (no boxes in it), PassMismatch (a box that is none).
    """
    document = read_json(path)
    boxes, own_size, between_pixels = document, size, False
    if isinstance(document, dict):
        if document.get("format") != FORMAT or document.get("version") != VERSION:
            raise UnsupportedMedia(
                f'{path.name} does not begin with "format": "{FORMAT}", "version": {VERSION}.'
            )
        boxes, own_size = document.get("boxes"), stated_size(document) or size
        between_pixels = document.get("between_pixels") is True
    if not isinstance(boxes, list):
        raise UnsupportedMedia(f"{path.name} holds no list of boxes. Supply one box x0, y0, x1, y1 a frame.")
    scale = np.array([size.width / own_size.width, size.height / own_size.height] * 2)
    edges = [_edges(entry, scale, size, frame) for frame, entry in enumerate(boxes)]
    return [*edges] if between_pixels else [one and _whole(one) for one in edges]


def write_face_boxes(path: Path, boxes: Sequence[Edges | None], size: FrameSize) -> None:
    """Writes steadied crops as they are: they come back to the bit. The file appears whole or not at all."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "width": size.width,
        "height": size.height,
        "between_pixels": True,
        "boxes": [box and [*box] for box in boxes],
    }
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    part.replace(path)


def _whole(edges: Edges) -> Box | None:
    x0, y0, x1, y1 = np.rint(edges).astype(int).tolist()
    return Box(x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None


def _edges(entry: Any, scale: Any, size: FrameSize, frame: int) -> Edges | None:
    """Cut at the frame's edges; None where nothing is left."""
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
    edges = Edges(*np.clip(corners * scale, 0, limits).tolist())
    return edges if edges.width > 0 and edges.height > 0 else None
