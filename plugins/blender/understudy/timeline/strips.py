# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds strips, free channels and meta strips. Main thread only.

A strip is known by the UUID in its custom properties, and looked up anew each time: undo and redo replace every
Python reference, and names are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bpy

from .. import compat
from ..ranges import Occupied, free_channel

UID_KEY = "understudy_id"  # of the swap
JOB_KEY = "understudy_job"  # "jobs/…"
FACTS_KEY = "understudy"  # JSON: facts.Facts
VERSION_KEY = "understudy_version_of"  # the uid of an earlier version
LAYER_KEY = "understudy_layer"  # of strips beside the result
MATTE_KEY = "understudy_matte"  # of a matte that is put right: corrections.matte_strip

LOOK = (
    *(
        f"transform.{name}"
        for name in ("scale_x", "scale_y", "offset_x", "offset_y", "rotation", "origin", "filter")
    ),
    *(f"crop.{name}" for name in ("min_x", "max_x", "min_y", "max_y")),
    *("use_flip_x", "use_flip_y", "blend_alpha", "color_saturation", "color_multiply"),
)


class Found(NamedTuple):
    """A strip, and the collection that holds it."""

    scene: bpy.types.Scene
    owner: Any  # the sequence editor or the meta strip it lies in
    strip: Any

    @property
    def holder(self) -> Any:
        return compat.strips(self.owner)


def uid_of(strip: Any) -> str:
    """The swap that *strip* is the result of; "" where it is none."""
    return strip.get(UID_KEY, "") if LAYER_KEY not in strip else ""


def results() -> Iterator[Found]:
    """All strips of results, in all scenes."""
    for scene in bpy.data.scenes:
        for owner in _owners(scene.sequence_editor):
            for strip in compat.strips(owner):
                if strip.type == "IMAGE" and UID_KEY in strip and LAYER_KEY not in strip:
                    yield Found(scene, owner, strip)


def find_all(uid: str) -> list[Found]:
    """The strips that carry *uid*: several where the artist has split or copied one."""
    return [found for found in results() if found.strip[UID_KEY] == uid]


def find(uid: str) -> tuple[Any, Any] | None:
    """The strip that carries *uid*, after the collection that holds it."""
    found = next((found for found in results() if found.strip[UID_KEY] == uid), None)
    return found and (found.holder, found.strip)


def scene_of(uid: int) -> bpy.types.Scene | None:
    return next((scene for scene in bpy.data.scenes if compat.scene_uid(scene) == uid), None)


# ---- Channels --------------------------------------------------------------------------------------------


def channel_for(owner: Any, channels: Iterable[Any], *, above: int, start: int, end: int) -> int:
    """A channel of *owner* that is free from *start* to *end*, not locked and not muted.

    Raises:
        Refusal: there is none.
    """
    closed = [number for number, channel in enumerate(channels) if channel.lock or channel.mute]
    return free_channel(map(occupied, compat.strips(owner)), closed, above=above, start=start, end=end)


def occupied(strip: Any) -> Occupied:
    timing = compat.timing(strip)
    return Occupied(strip.channel, timing.left_handle, timing.right_handle)


def channels_of(editor: bpy.types.SequenceEditor, owner: Any) -> Iterable[Any]:
    return (owner if hasattr(owner, "channels") else editor).channels


# ---- Meta strips -----------------------------------------------------------------------------------------


def open_meta(editor: bpy.types.SequenceEditor) -> str:
    return editor.meta_stack[-1].name if len(editor.meta_stack) else ""


def open_strips(editor: bpy.types.SequenceEditor) -> Any:
    return compat.strips(owner_named(editor, open_meta(editor)))


def owner_named(editor: bpy.types.SequenceEditor, meta: str) -> Any:
    """The meta strip *meta*, or the editor if it is not there."""
    named = (strip for strip in compat.all_strips(editor) if strip.type == "META" and strip.name == meta)
    return next(named, editor)


def _owners(editor: bpy.types.SequenceEditor | None) -> Iterator[Any]:
    if editor is None:
        return
    yield editor
    for strip in compat.all_strips(editor):
        if strip.type == "META":
            yield strip


# ---- Small things ----------------------------------------------------------------------------------------


def blend_path(path: Path) -> str:
    """Relative to the .blend if it is saved, so that both can be moved together."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # on another drive
        return str(path)


def folder_of(found: Found) -> Path:
    """Where an image strip's pictures lie."""
    return Path(bpy.path.abspath(found.strip.directory, library=found.scene.library))


def push_undo(message: str) -> None:
    """Operators called from Python, and changes from timers, are no undo steps by themselves.

    Never under ``temp_override``: with Python 3.11 (Blender before 5.1) an operator that is called under it looks
    members up in a Python dict without holding the GIL, and Blender crashes as soon as another thread runs Python,
    as a job's threads do (seen in 4.5.15 and 5.0.1, in every one of 12 trials).
    """
    if bpy.ops.ed.undo_push.poll():
        bpy.ops.ed.undo_push(message=message)


def get_dotted(strip: Any, dotted: str) -> Any:
    value = strip
    for name in dotted.split("."):
        value = getattr(value, name)
    return tuple(value) if dotted == "transform.origin" else value


def set_dotted(strip: Any, dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    owner = strip
    for name in path:
        owner = getattr(owner, name)
    setattr(owner, last, value)
