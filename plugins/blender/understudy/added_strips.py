# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a movie that was made in Blender beside the artist's strips, where nothing lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from . import compat
from .ranges import Occupied, free_channel

MADE_KEY = "understudy_made"  # which of our movies a strip shows, and of which strip


def add_movie(scene: bpy.types.Scene, path: Path, name: str, *, start: int, length: int, above: int) -> Any:
    """A strip of *length* frames of the movie at *path*, on the first free channel over *above*.

    Raises:
        Refusal: no channel is free.
    """
    editor = scene.sequence_editor_create()
    strips = compat.strips(editor)
    closed = [number for number, channel in enumerate(editor.channels) if channel.lock or channel.mute]
    channel = free_channel(map(_occupied, strips), closed, above=above, start=start, end=start + length)
    strip = strips.new_movie(name, blend_path(path), channel, start, fit_method="FIT")
    strip.select = False
    return strip


def remove_made(scene: bpy.types.Scene, made: str) -> None:
    """Removes the strip that `mark` marked, if it is still there."""
    if scene.sequence_editor is None:
        return
    strips = compat.strips(scene.sequence_editor)
    for strip in [each for each in strips if each.get(MADE_KEY) == made]:
        strips.remove(strip)


def mark(strip: Any, made: str) -> None:
    strip[MADE_KEY] = made


def blend_path(path: Path) -> str:
    """Relative to the .blend if it is saved, so that both can be moved together."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # on another drive
        return str(path)


def _occupied(strip: Any) -> Occupied:
    timing = compat.timing(strip)
    return Occupied(strip.channel, timing.left_handle, timing.right_handle)
