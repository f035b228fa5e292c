# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames on disk: how files are called, and how they are written so that nobody sees half a picture.

Knows nothing of bpy.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np

from .png import encode_png

WAITING = "waiting.png"
"""What a strip shows where its frame is not made yet: a picture that is wholly transparent."""

PART = ".part"


def frame_name(index: int) -> str:
    """The file name of frame *index*, counted from the job's first."""
    return f"{index:06d}.png"


def frames_in(folder: Path) -> set[int]:
    """The frames that are there."""
    if not folder.is_dir():
        return set()
    return {int(path.stem) for path in folder.iterdir() if re.fullmatch(r"\d{6,}\.png", path.name)}


def new_folder(parent: Path, title: str, uid: str) -> Path:
    """A folder for one job's frames that says whose they are; it is not made yet."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_").lower()[:40] or "frames"
    return parent / f"{word}_{uid[:8]}"


def write_whole(path: Path, data: bytes) -> None:
    """Writes the file under another name and renames it. Leaves nothing behind when the disk is full."""
    part = path.with_suffix(PART)
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def take_over(path: Path, into: Path) -> None:
    """The same file once more: a second name where the file system has them, otherwise a copy."""
    try:
        into.hardlink_to(path)
    except FileExistsError:
        return
    except OSError:
        part = into.with_suffix(PART)
        shutil.copyfile(path, part)
        part.replace(into)


def write_waiting(folder: Path) -> Path:
    """The transparent picture in *folder*, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WAITING
    if not path.is_file():
        write_whole(path, encode_png(np.zeros((8, 8, 4), np.uint8)))
    return path
