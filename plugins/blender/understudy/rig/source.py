# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rig drives: the selected movie or scene strip, or nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from ..ranges import ClipRange, Refusal, visible_clip_range
from ..timeline import selected_strips
from .camera import frame_size

SAME_SHAPE = 0.01  # how much wider or narrower a clip may be than what the camera sees
DRIVEN = ("MOVIE", "SCENE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """Which frames of which scene are looked at, and whose they are."""

    strip: Any  # None: nobody's, a movie of the skeleton will be the clip
    content: ClipRange  # of the strip's content
    stage: bpy.types.Scene  # the scene with camera and armature
    frames: Sequence[int]  # of the stage, one for each of content
    start: int  # where they begin on the timeline


def driven(context: bpy.types.Context) -> Driven:
    """What the selection means.

    Raises:
        Refusal: several strips might be meant, or the strip does not fit.
    """
    scene = compat.sequencer_scene(context)
    strips = [strip for strip in selected_strips(scene) if strip.type in DRIVEN] if scene else []
    active = scene.sequence_editor.active_strip if strips else None
    if len(strips) > 1 and active not in strips:
        raise Refusal(f"{len(strips)} movie or scene strips are selected. Click the one that the rig drives.")
    if not strips:
        return _alone(context.scene)
    strip = active if active in strips else strips[0]
    return _of_scene(strip) if strip.type == "SCENE" else _of_movie(strip, context.scene)


def _alone(stage: bpy.types.Scene) -> Driven:
    """The scene's range, or its preview range."""
    first, last = stage.frame_start, stage.frame_end
    if stage.use_preview_range:
        first, last = stage.frame_preview_start, stage.frame_preview_end
    frames = range(first, last + 1)
    if not frames:
        raise Refusal(f"The scene '{stage.name}' ends before it begins. Set its start and end.")
    return Driven(strip=None, content=ClipRange(0, len(frames)), stage=stage, frames=frames, start=first)


def _of_movie(strip: Any, stage: bpy.types.Scene) -> Driven:
    """The rig follows the plate: timeline frames are its scene's own."""
    timing = compat.timing(strip)
    content = visible_clip_range(timing)
    _refuse_shape(strip, stage)
    frames = range(timing.left_handle, timing.right_handle)
    return Driven(strip=strip, content=content, stage=stage, frames=frames, start=timing.left_handle)


def _of_scene(strip: Any) -> Driven:
    stage = strip.scene
    if stage is None:
        raise Refusal(f"'{strip.name}' has lost its scene. Choose one in the sidebar.")
    timing = compat.timing(strip)
    content = visible_clip_range(timing)
    frames = range(stage.frame_start + content.start, stage.frame_start + content.end)
    return Driven(strip=strip, content=content, stage=stage, frames=frames, start=timing.left_handle)


def _refuse_shape(strip: Any, stage: bpy.types.Scene) -> None:
    width, height = frame_size(stage)
    clip = strip.elements[0]
    if not clip.orig_height or abs(clip.orig_width / clip.orig_height * height / width - 1) <= SAME_SHAPE:
        return
    raise Refusal(
        f"The clip has {clip.orig_width} x {clip.orig_height} pixels, and the camera of '{stage.name}' sees "
        f"{width} x {height}. Give the scene the clip's shape, so that the rig lies over the performer."
    )
