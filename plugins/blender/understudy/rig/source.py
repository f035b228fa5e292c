# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rig drives: the selected movie or scene strip, or nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from ..carried import content_shown
from ..ranges import ClipRange, Refusal, clip_frames, with_handles
from ..timeline import selected_strips
from ..timeline.conform import beside, is_needed
from .camera import frame_size

SAME_SHAPE = 0.01  # how much wider or narrower a clip may be than what the camera sees
DRIVEN = ("MOVIE", "SCENE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """Which frames of which scene are looked at, and whose they are."""

    strip: Any  # None: nobody's, a movie of the skeleton will be the clip
    content: ClipRange  # of the strip's content, handles included
    stage: bpy.types.Scene  # the scene with camera and armature
    frames: Sequence[int]  # of the stage, one for each of content
    start: int  # where they begin on the timeline
    shown: range  # what the strip shows of them, on the timeline
    rendered: bool = False  # the strip does not show one frame of its clip after the other


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
    return _of_scene(strip, scene) if strip.type == "SCENE" else _of_movie(strip, scene, context.scene)


def _alone(stage: bpy.types.Scene) -> Driven:
    """The scene's range, or its preview range."""
    first, last = stage.frame_start, stage.frame_end
    if stage.use_preview_range:
        first, last = stage.frame_preview_start, stage.frame_preview_end
    frames = range(first, last + 1)
    if not frames:
        raise Refusal(f"The scene '{stage.name}' ends before it begins. Set its start and end.")
    content = ClipRange(0, len(frames))
    return Driven(strip=None, content=content, stage=stage, frames=frames, start=first, shown=frames)


def _of_movie(strip: Any, scene: bpy.types.Scene, stage: bpy.types.Scene) -> Driven:
    """The rig follows the plate: timeline frames are its scene's own."""
    timing = compat.timing(strip)
    content, shown = content_shown(timing), range(timing.left_handle, timing.right_handle)
    rendered, handles = is_needed(scene, strip, compat.rate(scene, strip)), scene.understudy.handles
    if rendered:
        before, behind = beside(scene, strip, handles)
        content = ClipRange(content.start - before, content.end + behind)
    else:
        content = with_handles(content, handles, clip_frames(timing))
    first = shown.start - content_shown(timing).start
    frames = range(first + content.start, first + content.end)
    return Driven(
        strip=strip,
        content=content,
        stage=stage,
        frames=frames,
        start=frames.start,
        shown=shown,
        rendered=rendered,
    )


def _of_scene(strip: Any, scene: bpy.types.Scene) -> Driven:
    stage = strip.scene
    if stage is None:
        raise Refusal(f"'{strip.name}' has lost its scene. Choose one in the sidebar.")
    if len(getattr(strip, "retiming_keys", ())) or strip.use_reverse_frames:  # 4.2 retimes no scenes
        raise Refusal(
            f"'{strip.name}' is retimed or plays in reverse, so the rig's frames are not its own. Undo that."
        )
    timing = compat.timing(strip)
    content, shown = content_shown(timing), range(timing.left_handle, timing.right_handle)
    before, behind = beside(scene, strip, scene.understudy.handles)
    content = ClipRange(content.start - before, content.end + behind)
    frames = range(stage.frame_start + content.start, stage.frame_start + content.end)
    return Driven(
        strip=strip,
        content=content,
        stage=stage,
        frames=frames,
        start=shown.start - before,
        shown=shown,
        rendered=True,
    )


def refuse_other_shape(work: Driven) -> None:
    """Raises Refusal where camera and clip see frames of different shapes: nothing would lie over the performer."""
    if work.strip is None or work.strip.type != "MOVIE":
        return
    (width, height), clip = frame_size(work.stage), work.strip.elements[0]
    if not clip.orig_height or abs(clip.orig_width / clip.orig_height * height / width - 1) <= SAME_SHAPE:
        return
    raise Refusal(
        f"The clip has {clip.orig_width} x {clip.orig_height} pixels, and the scene '{work.stage.name}' has {width} x "
        f"{height}. Give the scene the clip's shape, so that the two lie over each other."
    )
