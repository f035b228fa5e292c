"""The folder that the reference's own preprocessing writes, as passes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..types import PassFiles

MOVIES = (".mp4", ".mkv", ".mov", ".avi", ".webm")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")


class ReferenceFolder(NamedTuple):
    passes: PassFiles
    character: Path | None


def read_reference_folder(folder: Path) -> ReferenceFolder | None:
    """What *folder* supplies; None if it is not of that kind (it has no src_pose).

    src_pose and src_face are there for both modes, src_bg and src_mask for Replace; src_ref is the character.
    Each may be a movie or a folder of numbered pictures.
    """
    pose = _found(folder, "src_pose", MOVIES)
    if pose is None:
        return None
    return ReferenceFolder(
        PassFiles(
            pose=pose,
            face=_found(folder, "src_face", MOVIES),
            matte=_found(folder, "src_mask", MOVIES),
            background=_found(folder, "src_bg", MOVIES),
        ),
        _found(folder, "src_ref", PICTURES),
    )


def _found(folder: Path, stem: str, suffixes: tuple[str, ...]) -> Path | None:
    candidates = [folder / (stem + suffix) for suffix in suffixes]
    if (folder / stem).is_dir():
        return folder / stem
    return next((path for path in candidates if path.is_file()), None)
