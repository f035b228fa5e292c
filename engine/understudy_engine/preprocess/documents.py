"""JSON and CSV files that artists hand in, opened with care."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import MediaNotFound, MediaTooLarge, UnsupportedMedia
from ..types import FrameSize

MAX_BYTES = 256 * 1024 * 1024  # about 60,000 frames of whole-body keypoints

MAX_SIDE_PX = 65535


def read_json(path: Path) -> Any:
    """The document in *path*.

    Raises:
        MediaNotFound, MediaTooLarge (over MAX_BYTES), UnsupportedMedia (not JSON).
    """
    try:
        return json.loads(readable(path).read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UnsupportedMedia(
            f"{path.name} is not JSON: {error.msg} in line {error.lineno}. Export the file again.",
            line=error.lineno,
        ) from error
    except (ValueError, RecursionError) as error:  # no text, numbers without end, or too deep
        raise UnsupportedMedia(f"{path.name} is not a JSON text. Export the file again.") from error


def readable(path: Path) -> Path:
    """*path*, if it is a file of at most MAX_BYTES. Raises MediaNotFound, MediaTooLarge."""
    if not path.is_file():
        raise MediaNotFound(f"There is no file {path}. Check the path.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise MediaTooLarge(
            f"{path.name} has {size >> 20} MB; up to {MAX_BYTES >> 20} MB of {path.suffix[1:].upper() or 'text'} are "
            "read. Export a shorter range.",
            bytes=size,
        )
    return path


def stated_size(document: Any) -> FrameSize | None:
    """The frame size that a document states, under either of the names in use; None where it is silent."""
    if not isinstance(document, dict):
        return None
    for width, height in (("width", "height"), ("canvas_width", "canvas_height")):
        sides = FrameSize(document.get(width, 0), document.get(height, 0))
        if all(isinstance(side, int) and 0 < side <= MAX_SIDE_PX for side in sides):
            return sides
    return None
