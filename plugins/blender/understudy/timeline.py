# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the selected strips and lands results beside them. Main thread only.

A strip is known by the UUID in its custom properties, and looked up anew each time: undo and redo replace every
Python reference, and names are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import compat
from .job import Outcome, frame_name
from .ranges import (
    ClipRange,
    Occupied,
    Refusal,
    free_channel,
    plays_one_to_one,
    room_ahead,
    visible_clip_range,
)
from .session import Placement, Swap

UID_KEY = "understudy_id"
JOB_KEY = "understudy_job"
TINTS = {
    None: "COLOR_03",
    Outcome.FINISHED: "COLOR_04",
    Outcome.CANCELLED: "COLOR_02",
    Outcome.FAILED: "COLOR_01",
}
LOOK = (
    *(
        f"transform.{name}"
        for name in ("scale_x", "scale_y", "offset_x", "offset_y", "rotation", "origin", "filter")
    ),
    *(f"crop.{name}" for name in ("min_x", "max_x", "min_y", "max_y")),
    "use_flip_x",
    "use_flip_y",
)


# ---- What is selected ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The strip a swap is made of."""

    clip: Path
    frames: ClipRange
    placement: Placement


def source_strip(scene: bpy.types.Scene) -> Any:
    """The movie strip that is meant: the active one, or the only one selected.

    Raises:
        Refusal: there is none, or it is not clear which.
    """
    selected = selected_strips(scene)
    if not selected:
        raise Refusal(
            "No strip is selected. Select a movie strip, and with it a picture of the character.",
            fix="select_clip",
        )
    movies = [strip for strip in selected if strip.type == "MOVIE"]
    active = scene.sequence_editor.active_strip
    if active is not None and active in movies:
        return active
    if len(movies) == 1:
        return movies[0]
    if movies:
        raise Refusal(f"{len(movies)} movie strips are selected. Click the one that is meant.")
    raise Refusal(
        f"'{selected[0].name}' is no movie strip. Select one, and with it a picture of the character.",
        fix="select_clip",
    )


def read_source(scene: bpy.types.Scene) -> Source:
    """The selected movie strip, ready to be handed to the server.

    Raises:
        Refusal: nothing fitting is selected, its file is missing, or it does not play frame by frame.
    """
    strip = source_strip(scene)
    clip = Path(bpy.path.abspath(strip.filepath, library=scene.library))
    if not clip.is_file():
        raise Refusal(
            f"The clip {clip} is missing. Find it with File > External Data, then try again.",
            fix="find_clip",
        )
    _refuse_retimed(scene, strip)
    timing = compat.timing(strip)
    frames = visible_clip_range(timing)
    placement = Placement(
        scene_uid=compat.scene_uid(scene),
        meta=_open_meta(scene.sequence_editor),
        start=timing.left_handle,
        length=timing.duration,
        above=strip.channel,
        name=strip.name,
        colour_space=strip.colorspace_settings.name,
        look={name: _get(strip, name) for name in LOOK},
    )
    _channel_for(scene.sequence_editor, placement)
    return Source(clip=clip, frames=frames, placement=placement)


def read_character(scene: bpy.types.Scene) -> Path | None:
    """The picture of the selected image strip; None if there is none.

    Raises:
        Refusal: several are selected, or the picture is missing.
    """
    pictures = [strip for strip in selected_strips(scene) if strip.type == "IMAGE"]
    if not pictures:
        return None
    if len(pictures) > 1:
        raise Refusal(f"{len(pictures)} image strips are selected. Select one picture of the character.")
    folder = bpy.path.abspath(pictures[0].directory, library=scene.library)
    path = Path(folder, pictures[0].elements[0].filename)
    if not path.is_file():
        raise Refusal(f"The picture {path} is missing. Choose another.")
    return path


def selected_strips(scene: bpy.types.Scene) -> list[Any]:
    editor = scene.sequence_editor
    return [strip for strip in open_strips(editor) if strip.select] if editor else []


def _refuse_retimed(scene: bpy.types.Scene, strip: Any) -> None:
    fps = scene.render.fps / scene.render.fps_base
    if not plays_one_to_one(strip.fps, fps):
        raise Refusal(
            f"The clip runs at {strip.fps:.3f} frames a second and the scene at {fps:.3f}. "
            "Set the scene's frame rate to the clip's.",
            fix="match_rate",
        )
    if strip.use_reverse_frames:
        raise Refusal(f"'{strip.name}' plays in reverse. Switch off Reverse Frames.")
    if len(strip.retiming_keys):
        raise Refusal(f"'{strip.name}' is retimed. Remove its retiming keys.")
    effects = compat.all_strips(scene.sequence_editor)
    if any(effect.type == "SPEED" and compat.effect_input(effect) == strip for effect in effects):
        raise Refusal(f"A speed effect works on '{strip.name}'. Remove it.")


# ---- Where the result goes -------------------------------------------------------------------------------


def sync(swap: Swap) -> bool:
    """Brings a swap's strip up to the frames on disk, and makes the strip at the first; whether it changed.

    A strip that the artist deleted, or took back with undo, is not made again; a redo brings it back.

    Raises:
        Refusal: its scene is gone, no channel is free, or another strip lies in its way.
    """
    if not (swap.landed and swap.folder):
        return False
    found = find(swap.uid)
    if found is None:
        if swap.inserted:
            return False
        _insert(swap)
        found = find(swap.uid)
        assert found is not None
        changed = True
        _grow(*found, swap)
        push_undo(f"Understudy {swap.mode.capitalize()}")
        found = find(swap.uid)
        assert found is not None
    else:
        changed = _grow(*found, swap)
    return _tint(found[1], swap) or changed


def find(uid: str) -> tuple[Any, Any] | None:
    """The strip that carries *uid*, after the collection that holds it."""
    for scene in bpy.data.scenes:
        for holder in _holders(scene.sequence_editor):
            for strip in holder:
                if strip.type == "IMAGE" and strip.get(UID_KEY) == uid:
                    return holder, strip
    return None


def _insert(swap: Swap) -> None:
    """Makes the strip of the first frame."""
    place = swap.placement
    scene = next((scene for scene in bpy.data.scenes if compat.scene_uid(scene) == place.scene_uid), None)
    if scene is None:
        raise Refusal(f"The scene is gone. The finished frames are in {swap.folder}.")
    editor = scene.sequence_editor_create()
    channel = _channel_for(editor, place)
    strip = _holder(editor, place.meta).new_image(
        name=f"{place.name} {swap.mode}",
        filepath=_blend_path(swap.folder / frame_name(0)),
        channel=channel,
        frame_start=place.start,
        fit_method="FIT" if swap.mode == "animate" else "ORIGINAL",
    )
    strip.select = False  # the artist's selection stays; or the result would be the next job's character
    strip[UID_KEY], strip[JOB_KEY] = swap.uid, swap.job
    strip.colorspace_settings.name = place.colour_space
    if swap.mode == "replace":
        for name, value in place.look.items():
            _set(strip, name, value)
    swap.inserted = True


def _grow(holder: Any, strip: Any, swap: Swap) -> bool:
    """Appends the frames that have landed since, as far as there is room."""
    missing = swap.landed - len(strip.elements)
    if missing <= 0:
        return False
    here = _occupied(strip)
    room = room_ahead(map(_occupied, holder), here)
    # The files are whole on disk: an element whose file is missing can crash Blender when it is drawn.
    for index in range(len(strip.elements), len(strip.elements) + min(missing, room)):
        strip.elements.append(frame_name(index))
    if room < missing:
        raise Refusal(
            f"Another strip lies in the way on channel {here.channel}. Move it and the frames follow."
        )
    return True


def _tint(strip: Any, swap: Swap) -> bool:
    tint = TINTS[swap.outcome]
    if strip.color_tag == tint:
        return False
    strip.color_tag = tint
    return True


def _channel_for(editor: bpy.types.SequenceEditor, place: Placement) -> int:
    closed = [number for number, channel in enumerate(editor.channels) if channel.lock or channel.mute]
    return free_channel(
        map(_occupied, _holder(editor, place.meta)),
        closed,
        above=place.above,
        start=place.start,
        end=place.start + place.length,
    )


def _occupied(strip: Any) -> Occupied:
    timing = compat.timing(strip)
    return Occupied(strip.channel, timing.left_handle, timing.right_handle)


def _blend_path(path: Path) -> str:
    """Relative to the .blend if it is saved, so that both can be moved together."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # on another drive
        return str(path)


# ---- Meta strips -----------------------------------------------------------------------------------------


def _open_meta(editor: bpy.types.SequenceEditor) -> str:
    return editor.meta_stack[-1].name if len(editor.meta_stack) else ""


def open_strips(editor: bpy.types.SequenceEditor) -> Any:
    return _holder(editor, _open_meta(editor))


def _holder(editor: bpy.types.SequenceEditor, meta: str) -> Any:
    """The strips inside *meta*, or those at the top if it is not there."""
    named = (strip for strip in compat.all_strips(editor) if strip.type == "META" and strip.name == meta)
    return compat.strips(next(named, editor))


def _holders(editor: bpy.types.SequenceEditor | None) -> Iterator[Any]:
    if editor is None:
        return
    yield compat.strips(editor)
    for strip in compat.all_strips(editor):
        if strip.type == "META":
            yield compat.strips(strip)


# ---- Small things ----------------------------------------------------------------------------------------


def push_undo(message: str) -> None:
    """Operators called from Python, and changes from timers, are no undo steps by themselves.

    Never under ``temp_override``: with Python 3.11 (Blender before 5.1) an operator that is called under it looks
    members up in a Python dict without holding the GIL, and Blender crashes as soon as another thread runs Python,
    as a job's threads do (seen in 4.5.15 and 5.0.1, in every one of 12 trials).
    """
    if bpy.ops.ed.undo_push.poll():
        bpy.ops.ed.undo_push(message=message)


def _get(strip: Any, dotted: str) -> Any:
    value = strip
    for name in dotted.split("."):
        value = getattr(value, name)
    return tuple(value) if dotted == "transform.origin" else value


def _set(strip: Any, dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    owner = strip
    for name in path:
        owner = getattr(owner, name)
    setattr(owner, last, value)
