# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the selected strips. Main thread only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..job import Render
from ..ranges import ClipRange, Refusal, clip_frames, visible_clip_range, with_handles
from ..session import Placement
from . import conform
from .strips import LOOK, MATTE_KEY, UID_KEY, get_dotted, open_meta, open_strips


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The strip a swap is made of."""

    clip: Path  # its own, also where another is rendered
    frames: ClipRange  # that it shows: of the clip, or of what is rendered
    asked: ClipRange  # and handles
    placement: Placement
    render: Callable[[Path], Render] | None = None  # the clip has to be rendered first: how, into a folder


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
    movies = [strip for strip in selected if strip.type in ("MOVIE", "SCENE")]
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
    """The strip that is meant, ready to be handed to the server, with *handles* frames beside those it shows.

    Raises:
        Refusal: nothing fitting is selected, its file is missing, or it shows nothing.
    """
    strip = source_strip(scene)
    clip = clip_of(scene, strip)
    timing = compat.timing(strip)
    if timing.duration < 1:
        raise Refusal(f"'{strip.name}' shows no frame. Make it longer.")
    rendered = conform.is_needed(scene, strip, compat.rate(scene, strip))
    if rendered:
        before, behind = conform.beside(scene, strip, handles)
        shown = ClipRange(before, before + timing.duration)
        asked = ClipRange(0, shown.end + behind)
    else:
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
        colour_space=strip.colorspace_settings.name if strip.type == "MOVIE" else "sRGB",
        look={name: get_dotted(strip, name) for name in LOOK},
    )
    more = (placement.before, placement.behind)
    write = functools.partial(conform.write, scene, strip, more) if rendered else None
    return Source(clip=clip, frames=shown, asked=asked, placement=placement, render=write)


def clip_of(scene: bpy.types.Scene, strip: Any) -> Path:
    """The file of a movie strip; of a scene strip, what stands for it.

    Raises:
        Refusal: it is missing.
    """
    if strip.type == "SCENE":
        if strip.scene is None:
            raise Refusal(f"'{strip.name}' has lost its scene. Choose one in the sidebar.")
        return Path(f"scene {strip.scene.name}")
    clip = Path(bpy.path.abspath(strip.filepath, library=scene.library))
    if not clip.is_file():
        raise Refusal(
            f"The clip {clip} is missing. Find it with File > External Data, then try again.",
            fix="find_clip",
        )
    return clip


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
        raise Refusal(f"The picture {path} is missing. Choose another.", fix="choose_character")
    return path


def select_alone(scene: bpy.types.Scene, name: str) -> None:
    """Selects the strip *name*, and nothing else beside it.

    Raises:
        Refusal: there is none.
    """
    strips = open_strips(scene.sequence_editor_create())
    if name not in strips:
        raise Refusal(f"There is no strip '{name}' in the scene '{scene.name}'.")
    for strip in strips:
        strip.select = strip.name == name
    scene.sequence_editor.active_strip = strips[name]


def selected_pictures(scene: bpy.types.Scene) -> list[Any]:
    """Selected image strips; results and mattes of ours are none."""
    ours = (UID_KEY, MATTE_KEY)
    return [
        strip
        for strip in selected_strips(scene)
        if strip.type == "IMAGE" and not any(key in strip for key in ours)
    ]


def selected_strips(scene: bpy.types.Scene) -> list[Any]:
    editor = scene.sequence_editor
    return [strip for strip in open_strips(editor) if strip.select] if editor else []
