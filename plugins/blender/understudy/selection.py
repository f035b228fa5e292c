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
from .session import session
from .timeline.strips import scene_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The clip that a job would be made of."""

    name: str
    clip: Path | None  # None: of a scene strip
    frames: ClipRange | None  # that a job asks for, with handles; None: Blender has to render them first
    carried: Mapping[str, Path]  # passes made for just these frames
    length: int  # timeline frames
    rate: float  # frames a second

    @property
    def key(self) -> str:
        """What people are known by."""
        return key_of(self.clip, self.frames) if self.clip and self.frames else ""


def has_strips(scene: bpy.types.Scene) -> bool:
    return scene.sequence_editor is not None and len(timeline.open_strips(scene.sequence_editor)) > 0


def names(scene: bpy.types.Scene) -> tuple[str, ...]:
    """Of the strips that are selected."""
    return tuple(strip.name for strip in timeline.selected_strips(scene))


def selected(scene: bpy.types.Scene) -> Selected:
    """Raises Refusal where no strip is meant."""
    strip = timeline.source_strip(scene)
    timing, rate = compat.timing(strip), rate_of(scene, strip)
    frames = None
    if not timeline.conform.is_needed(scene, strip, rate):
        frames = with_handles(visible_clip_range(timing), scene.understudy.handles, clip_frames(timing))
    return Selected(
        name=strip.name,
        clip=Path(bpy.path.abspath(strip.filepath, library=scene.library)) if strip.type == "MOVIE" else None,
        frames=frames,
        carried={name: each.path for name, each in carried.passes_of(strip).items() if each.frames == frames},
        length=timing.duration,
        rate=rate,
    )


def rate_of(scene: bpy.types.Scene, strip: Any) -> float:
    """Frames a second. At first as the clip had them when its strip was made; then as it has them now, since another
    file may have taken its place. Blender opens it for that, which takes up to 18 ms: not while it draws."""
    if strip.type != "MOVIE":
        return compat.rate(scene, strip)
    key, uid = strip.filepath, compat.scene_uid(scene)
    if key not in desk.rates:
        desk.rates[key] = strip.elements[0].orig_fps
        session.errands.post(lambda: _look_again(uid, key))
    return desk.rates[key]


def _look_again(scene_uid: int, key: str) -> None:
    """At the rate of the clip *key*. One that is missing keeps what it had."""
    scene = scene_of(scene_uid)
    if scene is None or scene.sequence_editor is None:
        return
    for strip in compat.all_strips(scene.sequence_editor):
        if strip.type == "MOVIE" and strip.filepath == key:
            desk.rates[key] = compat.rate(scene, strip) or desk.rates[key]
            return


def people_of(chosen: Selected, picked: options.UNDERSTUDY_PG_options) -> tuple[str, ...]:
    """Whom the character follows; names that were given in another clip, or in other frames, count for nothing."""
    return options.names_of(picked.person) if chosen.key and picked.people_of == chosen.key else ()


def prompt_of(picked: options.UNDERSTUDY_PG_options) -> str:
    """The scene's prompt, which the panel shows as unused where the model reads none."""
    return "" if desk.about.refuses_prompt else picked.prompt.strip()


def question(scene: bpy.types.Scene, chosen: Selected, mode: Mode, quality: Quality) -> Question | None:
    """What the server is to be asked about a job of this selection; None while something is missing."""
    shown = character.shown(scene)
    picked = scene.understudy
    if chosen.clip is None or chosen.frames is None or shown is None or shown.path is None:
        return None
    people = () if "keypoints" in chosen.carried else people_of(chosen, picked)
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
        prompt=prompt_of(picked),
        quality=quality,
        steps=picked.steps,
        loras=tuple(options.loras_of(picked)),
    )
