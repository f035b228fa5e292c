# SPDX-License-Identifier: GPL-3.0-or-later
"""What is selected, for the panel: told from Blender's data alone, since a drawing must not wait for a disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import carried, character, compat, options, timeline
from .desk import desk
from .estimates import Question
from .people import cast, key_of
from .quality import Quality
from .ranges import ClipRange, clip_frames, visible_clip_range, with_handles
from .request import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The clip that a job would be made of."""

    name: str
    clip: Path
    frames: ClipRange | None  # that a job asks for, with handles; None: it does not play frame by frame
    carried: Mapping[str, Path]  # passes made for just these frames
    length: int  # timeline frames
    clip_fps: float
    scene_fps: float

    @property
    def key(self) -> str:
        """What people are known by."""
        return key_of(self.clip, self.frames) if self.frames else ""


def has_strips(scene: bpy.types.Scene) -> bool:
    return scene.sequence_editor is not None and len(timeline.open_strips(scene.sequence_editor)) > 0


def selected(scene: bpy.types.Scene) -> Selected:
    """Raises Refusal where no movie strip is meant."""
    strip = timeline.source_strip(scene)
    timing = compat.timing(strip)
    scene_fps = scene.render.fps / scene.render.fps_base
    clip_fps = rate_of(strip) if strip.type == "MOVIE" else scene_fps
    frames = None
    if not timeline.has_to_be_rendered(scene, strip, clip_fps):
        frames = with_handles(visible_clip_range(timing), scene.understudy.handles, clip_frames(timing))
    return Selected(
        name=strip.name,
        clip=Path(bpy.path.abspath(getattr(strip, "filepath", ""), library=scene.library)),
        frames=frames,
        carried={name: each.path for name, each in carried.passes_of(strip).items() if each.frames == frames},
        length=timing.duration,
        clip_fps=clip_fps,
        scene_fps=scene_fps,
    )


def rate_of(strip: Any) -> float:
    """Frames a second of its clip; 0 if that is missing. Blender opens the file each time, which takes 18 ms."""
    if not (rate := desk.rates.get(strip.filepath, 0.0)):
        rate = desk.rates[strip.filepath] = strip.fps
    return rate


def question(scene: bpy.types.Scene, chosen: Selected, mode: Mode, quality: Quality) -> Question | None:
    """What the server is to be asked about a job of this selection; None while something is missing."""
    shown = character.shown(scene)
    picked = scene.understudy
    if chosen.frames is None or shown is None or shown.path is None:
        return None
    people = options.names_of(picked.person)
    roles = ()
    if mode is Mode.REPLACE and picked.people and picked.people_of == chosen.key:
        main = people or (picked.people[0].name,)
        roles = cast(main, options.pictures(picked, character.path_of))
    names = options.passes_for(mode)
    files = {name: Path(bpy.path.abspath(path)) for name in names if (path := getattr(picked, name))}
    return Question(
        mode=mode,
        clip=chosen.clip,
        frames=chosen.frames,
        character=shown.path,
        people=people,
        roles=roles,
        passes_folder=bpy.path.abspath(picked.passes_folder) if picked.passes_folder else "",
        passes=tuple((files | dict(chosen.carried)).items()),
        quality=quality,
        steps=picked.steps,
    )
