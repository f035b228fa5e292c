"""Corrections as a file: {"format": "understudy.pose_corrections", "version": 1, "width", "height", ...}.

"fade_frames" (6 if it is missing) and "corrections": [{"frame": 12, "point": "left_wrist", "x": 640.5, "y": 312}, ...].
Points go by their COCO-WholeBody name, or by their number among the 133; x and y are pixels of width x height.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from ...errors import PassMismatch, UnsupportedMedia
from ..documents import read_json, stated_size
from ..point_names import NAMES, point_of
from .corrections import FADE_FRAMES, Correction, Corrections

FORMAT = "understudy.pose_corrections"
VERSION = 1
MOST = 200_000


def read_corrections(path: Path) -> Corrections:
    """Raises MediaNotFound, MediaTooLarge, UnsupportedMedia (no corrections in it), PassMismatch (one that is none)."""
    return parse_corrections(read_json(path), path.name)


def parse_corrections(document: Any, name: str) -> Corrections:
    """Corrections from a parsed document. *name* stands in the messages."""
    size = stated_size(document)
    if (
        not isinstance(document, dict)
        or document.get("format") != FORMAT
        or document.get("version") != VERSION
    ):
        raise UnsupportedMedia(
            f'{name} does not say "format": "{FORMAT}", "version": {VERSION}. Export it again.'
        )
    items, fade = document.get("corrections"), document.get("fade_frames", FADE_FRAMES)
    if size is None or not isinstance(items, list) or not _is_whole(fade):
        raise UnsupportedMedia(
            f"{name} lacks its width, height or corrections, or its fade_frames is no whole number. Export it again."
        )
    if len(items) > MOST:
        raise PassMismatch(
            f"{name} has {len(items):,} corrections; up to {MOST:,} are read. Hand in keypoints instead.",
            corrections=len(items),
        )
    return Corrections(tuple(_correction(item, index) for index, item in enumerate(items)), size, fade)


def write_corrections(path: Path, corrections: Corrections) -> None:
    """The file appears whole or not at all."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "width": corrections.size.width,
        "height": corrections.size.height,
        "fade_frames": corrections.fade_frames,
        "corrections": [
            {"frame": item.frame, "point": NAMES[item.point], "x": item.x, "y": item.y}
            for item in corrections.items
        ],
    }
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    part.replace(path)


def _correction(item: Any, index: int) -> Correction:
    if isinstance(item, Mapping):
        frame, named = item.get("frame"), item.get("point")
        point = point_of(named) if isinstance(named, str) else named
        x, y = _number(item.get("x")), _number(item.get("y"))
        if _is_whole(frame) and _is_whole(point) and x is not None and y is not None:
            return Correction(frame, point, x, y)
    raise PassMismatch(
        f"Correction {index} is not a frame, a point that is known, x and y. Correct it, or take it out.",
        index=index,
    )


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
