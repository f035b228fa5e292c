# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of matte pictures, 000012.png by the clip's frame, that other programs may change. Knows nothing of bpy.

What was fetched is known by its hash, in a file beside the pictures: so a change is seen days later, too.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

FETCHED = "fetched.json"
GREY_8 = (8, 0)  # depth and colour type in a PNG's header


def remember(folder: Path) -> None:
    """From now on the pictures as they are count as fetched."""
    hashes = {path.name: _hash(path) for path in sorted(folder.glob("*.png"))}
    (folder / FETCHED).write_text(json.dumps(hashes), "utf-8")


def changed(folder: Path) -> dict[int, Path]:
    """Pictures that are not what was fetched, by the clip's frame."""
    known: dict[str, str] = json.loads((folder / FETCHED).read_text("utf-8"))
    paths = (folder / name for name in known)
    return {int(path.stem): path for path in paths if path.is_file() and _hash(path) != known[path.name]}


def times(folder: Path) -> dict[str, int]:
    """When each picture was last written: cheap to ask for again and again."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}


def is_grey(png: bytes) -> bool:
    """Whether it can be sent as it is: 8 bits of grey."""
    return png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack_from(">BB", png, 24) == GREY_8


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height."""
    width, height = struct.unpack_from(">II", png, 16)
    return width, height


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
