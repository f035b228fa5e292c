# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a movie that was made in Blender beside the artist's strips, where nothing lies."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from . import compat
from .timeline.strips import blend_path, channel_for, channels_of, open_meta, owner_named

SOURCE_KEY = "understudy_source"  # a strip that something was made of: by this it is found again
MADE_KEY = "understudy_made"  # of which strip a movie was made


def add_movie(
    scene: bpy.types.Scene, path: Path, name: str, *, start: int, frames: int, shown: range, above: int
) -> Any:
    """A strip of the movie at *path*, whose *frames* begin at *start* on the timeline, trimmed to what is *shown*.

    It takes the first channel over *above* that is free.

    Raises:
        Refusal: none is.
    """
    end = start + frames
    strips, channel = free_place(scene, above=above, start=start, end=end)
    strip = strips.new_movie(name, blend_path(path), channel, start, fit_method="FIT")
    if (start, end) != (shown.start, shown.stop):
        compat.set_handles(strip, shown.start, shown.stop)
    strip.select = False
    return strip


def free_place(scene: bpy.types.Scene, *, above: int, start: int, end: int) -> tuple[Any, int]:
    """Where a new strip goes: the strips of the meta strip that is open, or all, and a channel of theirs.

    Raises:
        Refusal: none is free from *start* to *end*.
    """
    editor = scene.sequence_editor_create()
    owner = owner_named(editor, open_meta(editor))
    channels = channels_of(editor, owner)
    return compat.strips(owner), channel_for(owner, channels, above=above, start=start, end=end)


def source_uid(strip: Any) -> str:
    """By what *strip* is found again; it remembers that from now on."""
    uid: str = strip.get(SOURCE_KEY) or str(uuid.uuid4())
    strip[SOURCE_KEY] = uid
    return uid


def find_source(uid: str) -> tuple[bpy.types.Scene, Any] | None:
    """The strip that something was made of, and its scene; None if it is gone."""
    for scene in bpy.data.scenes:
        for strip in compat.all_strips(scene.sequence_editor) if scene.sequence_editor else ():
            if strip.get(SOURCE_KEY) == uid:
                return scene, strip
    return None


def remove_made(scene: bpy.types.Scene, made: str) -> None:
    """Removes the strip that `mark` marked, if it is still there."""
    remove(scene, lambda strip: strip.get(MADE_KEY) == made)


def remove(scene: bpy.types.Scene, unwanted: Callable[[Any], bool]) -> None:
    """Removes strips, also from meta strips."""
    if scene.sequence_editor is None:
        return
    metas = [strip for strip in compat.all_strips(scene.sequence_editor) if strip.type == "META"]
    for owner in (scene.sequence_editor, *metas):
        strips = compat.strips(owner)
        for strip in [each for each in strips if unwanted(each)]:
            strips.remove(strip)


def mark(strip: Any, made: str) -> None:
    strip[MADE_KEY] = made
