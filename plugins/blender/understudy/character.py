# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's picture: of a selected image strip, or a chosen Image. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from . import timeline
from .ranges import Refusal

FIX = "choose_character"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the panel shows of a character."""

    name: str
    path: Path | None  # None: it lies in the .blend alone, or was painted on
    from_strip: bool


def shown(scene: bpy.types.Scene) -> Shown | None:
    """The character that a job would use. Asks no disk, so that a panel may call it."""
    strips = timeline.selected_pictures(scene)
    if strips:
        path = Path(_folder(scene, strips[0]), strips[0].elements[0].filename)
        return Shown(strips[0].name, path, from_strip=True)
    image = scene.understudy.character
    return Shown(image.name, path_of(image), from_strip=False) if image else None


def path_of(image: bpy.types.Image) -> Path | None:
    """The file that holds what *image* shows; None where there is none."""
    if image.source != "FILE" or image.packed_file or image.is_dirty or not image.filepath:
        return None
    return Path(bpy.path.abspath(image.filepath, library=image.library))


def file_of(image: bpy.types.Image, folder: Path) -> Path:
    """A file that holds what *image* shows, written into *folder* where there is none yet.

    Raises:
        Refusal: the file is missing, or it is no still picture.
    """
    if image.source not in ("FILE", "GENERATED"):
        raise Refusal(f"'{image.name}' is no single picture. Choose a picture of the character.", fix=FIX)
    path = path_of(image)
    if path is None:
        return _written(image, folder)
    if not path.is_file():
        raise Refusal(f"The picture {path} is missing. Choose another.", fix=FIX)
    return path


def chosen_file(scene: bpy.types.Scene, folder: Path) -> Path:
    """The picture of the character that is selected or chosen.

    Raises:
        Refusal: there is none, several are selected, or it is missing.
    """
    if path := timeline.read_character(scene):
        return path
    image = scene.understudy.character
    if image is None:
        raise Refusal(
            "No character is chosen. Select an image strip too, or choose a picture.",
            fix=FIX,
        )
    return file_of(image, folder)


def keep(scene: bpy.types.Scene, path: Path, person: str = "") -> None:
    """Makes the picture at *path* the scene's character, or *person*'s, for this job and the next."""
    owner = scene.understudy.people[person] if person else scene.understudy
    owner.character = bpy.data.images.load(str(path), check_existing=True)


def _written(image: bpy.types.Image, folder: Path) -> Path:
    if not image.has_data and not image.packed_file:
        image.update()
    if min(image.size) < 1:
        raise Refusal(f"'{image.name}' holds no picture. Choose another.", fix=FIX)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{bpy.path.clean_name(image.name)}.png"
    copy = image.copy()  # the artist's Image keeps its format and its file
    try:
        copy.file_format = "PNG"
        copy.save(filepath=str(path))
    except RuntimeError as error:
        raise Refusal(f"'{image.name}' cannot be written to {path}: {error}.") from error
    finally:
        bpy.data.images.remove(copy)
    return path


def _folder(scene: bpy.types.Scene, strip: bpy.types.ImageStrip) -> str:
    return bpy.path.abspath(strip.directory, library=scene.library)
