# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the selected strips. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..ranges import ClipRange, Refusal, clip_frames, plays_one_to_one, visible_clip_range, with_handles
from ..session import Placement
from .strips import LOOK, UID_KEY, get_dotted, open_meta, open_strips


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The strip a swap is made of."""

    clip: Path
    frames: ClipRange  # that it shows
    asked: ClipRange  # and handles
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


def read_source(scene: bpy.types.Scene, handles: int = 0) -> Source:
    """The selected movie strip, ready to be handed to the server, with *handles* frames beside those it shows.

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
    shown = visible_clip_range(timing)
    asked = with_handles(shown, handles, clip_frames(timing))
    placement = Placement(
        scene_uid=compat.scene_uid(scene),
        meta=open_meta(scene.sequence_editor),
        start=timing.left_handle,
        length=timing.duration,
        before=shown.start - asked.start,
        behind=asked.end - shown.end,
        above=strip.channel,
        name=strip.name,
        clip=str(clip),
        clip_range=asked,
        colour_space=strip.colorspace_settings.name,
        look={name: get_dotted(strip, name) for name in LOOK},
    )
    return Source(clip=clip, frames=shown, asked=asked, placement=placement)


def read_character(scene: bpy.types.Scene) -> Path | None:
    """The picture of the selected image strip; None if there is none.

    Raises:
        Refusal: several are selected, or the picture is missing.
    """
    pictures = selected_pictures(scene)
    if not pictures:
        return None
    if len(pictures) > 1:
        raise Refusal(f"{len(pictures)} image strips are selected. Select one picture of the character.")
    folder = bpy.path.abspath(pictures[0].directory, library=scene.library)
    path = Path(folder, pictures[0].elements[0].filename)
    if not path.is_file():
        raise Refusal(f"The picture {path} is missing. Choose another.")
    return path


def selected_pictures(scene: bpy.types.Scene) -> list[Any]:
    """Selected image strips; results of ours are none."""
    return [strip for strip in selected_strips(scene) if strip.type == "IMAGE" and UID_KEY not in strip]


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
