# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the passes an artist supplies: single files, or a folder that holds them under usual names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .ranges import Refusal

NAMES: dict[str, tuple[str, ...]] = {
    "keypoints": ("keypoints.json", "keypoints"),
    "pose": ("pose", "skeleton", "src_pose"),
    "face": ("face", "faces", "src_face"),
    "face_boxes": ("face_boxes.json", "faces.json"),
    "matte": ("matte", "src_mask"),
    "garbage": ("garbage",),
    "keep": ("keep",),
    "background": ("background", "src_bg"),
}
"""Fields of PassInputs, and the files or folders of a passes folder they are read from. A name without a suffix
stands for a movie or picture of any format, or for a folder of numbered pictures."""

PICTURES = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr"}


def gather(folder: Path | None, files: Mapping[str, Path]) -> dict[str, Path]:
    """Passes by field; *files* win over what *folder* holds.

    Raises:
        Refusal: a file is not there, or the folder holds no pass.
    """
    found = _in_folder(folder) if folder else {}
    for name, path in files.items():
        if not path.exists():
            raise Refusal(f"There is no {name.replace('_', ' ')} at {path}. Choose the file again.")
        found[name] = path
    return found


def _in_folder(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise Refusal(f"There is no passes folder {folder}. Choose it again.")
    entries = sorted(folder.iterdir())
    found = {field: path for field, names in NAMES.items() if (path := _first(entries, names))}
    if not found:
        raise Refusal(f"{folder} holds no pass. Passes are called {', '.join(NAMES)}.")
    return found


def _first(entries: list[Path], names: tuple[str, ...]) -> Path | None:
    return next((entry for name in names for entry in entries if _is_called(entry, name)), None)


def _is_called(entry: Path, name: str) -> bool:
    if entry.name == name:
        return True
    return "." not in name and entry.stem == name and entry.suffix.lower() in PICTURES
