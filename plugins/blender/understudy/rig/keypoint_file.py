# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes keypoints as the server reads them: pose.json, version 1. Knows nothing of bpy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FORMAT = "understudy.keypoints"
FACE_FORMAT = "understudy.face_boxes"
VERSION = 1

Frame = Sequence[Sequence[float]]  # 133 rows x, y in pixels, score


def write_keypoints(
    path: Path, frames: Sequence[Frame | None], size: tuple[int, int], rate: tuple[int, int]
) -> None:
    """Places to a hundredth of a pixel; None is a frame without the performer."""
    rows = [frame and [[round(x, 2), round(y, 2), round(s, 3)] for x, y, s in frame] for frame in frames]
    _write(path, {**_head(FORMAT, size), "rate": list(rate), "frames": rows})


def write_no_faces(path: Path, count: int, size: tuple[int, int]) -> None:
    """Face boxes that say of each frame that no face is to be seen."""
    _write(path, {**_head(FACE_FORMAT, size), "boxes": [None] * count})


def cut(path: Path, start: int, end: int, to: Path) -> None:
    """Writes frames *start* to *end* of a file of ours, keypoints or face boxes."""
    document = json.loads(path.read_text("utf-8"))
    rows = "frames" if "frames" in document else "boxes"
    _write(to, {**document, rows: document[rows][start:end]})


def _head(form: str, size: tuple[int, int]) -> dict[str, Any]:
    return {"format": form, "version": VERSION, "width": size[0], "height": size[1]}


def _write(path: Path, document: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, separators=(",", ":")), "utf-8")
    part.replace(path)
