# SPDX-License-Identifier: GPL-3.0-or-later
"""The sequencer's Python API from Blender 4.2 to 5.2 under one set of names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from .ranges import Timing

IS_MODULE = not bpy.app.binary_path  # Blender runs as a module of Python
NEW_TIMING = bpy.app.version >= (5, 1, 0)  # the old names warn from then on


def strips(owner: Any) -> Any:
    """The strips right below a sequence editor or a meta strip: called sequences before 4.4."""
    return owner.strips if hasattr(owner, "strips") else owner.sequences


def all_strips(editor: bpy.types.SequenceEditor) -> Iterable[Any]:
    """Also those inside meta strips."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene whose strips the sequencer shows: a workspace's own choice from 5.0 on."""
    return getattr(context, "sequencer_scene", None) or context.scene


def timing(strip: Any) -> Timing:
    """Of any strip; effects and scenes have no content trims."""
    if NEW_TIMING:
        return Timing(
            content_start=round(strip.content_start),
            content_duration=round(strip.content_duration),
            content_trim_start=round(getattr(strip, "content_trim_start", 0)),
            content_trim_end=round(getattr(strip, "content_trim_end", 0)),
            left_handle=round(strip.left_handle),
            right_handle=round(strip.right_handle),
        )
    return Timing(
        content_start=round(strip.frame_start),
        content_duration=strip.frame_duration,
        content_trim_start=getattr(strip, "animation_offset_start", 0),
        content_trim_end=getattr(strip, "animation_offset_end", 0),
        left_handle=strip.frame_final_start,
        right_handle=strip.frame_final_end,
    )


def rate(scene: bpy.types.Scene, strip: Any) -> float:
    """Of a movie strip's clip, whose file is opened for it; of another strip, the scene's."""
    return getattr(strip, "fps", scene.render.fps / scene.render.fps_base)


def set_handles(strip: Any, left: int, right: int) -> None:
    """Nothing else may lie on its channel where it lay or will lie: Blender would push that aside in time."""
    if NEW_TIMING:
        strip.left_handle, strip.right_handle = left, right
    else:
        strip.frame_final_start, strip.frame_final_end = left, right


def trims(strip: Any) -> tuple[int, int]:
    """Timeline frames that its handles hide of its content, at its head and at its tail; below zero where it holds a
    still."""
    if NEW_TIMING:
        return int(strip.left_handle_offset), int(strip.right_handle_offset)
    return int(strip.frame_offset_start), int(strip.frame_offset_end)


def set_right_handle(strip: Any, right: int) -> None:
    """The same of its end alone."""
    if NEW_TIMING:
        strip.right_handle = right
    else:
        strip.frame_final_end = right


def measure_meta(only: Any) -> None:
    """Tells a meta strip how long the *only* strip is that it holds: before 5.0 it learns that when one moves."""
    if bpy.app.version < (5, 0, 0):
        only.frame_start += 1
        only.frame_start -= 1


def effect_input(strip: Any, number: int = 1) -> Any:
    """The first or second strip an effect works on; None for other strips."""
    return getattr(strip, f"input_{number}", None)


def scene_uid(scene: bpy.types.Scene) -> int:
    """Stays the same in this session when the scene is renamed or an undo rebuilds it."""
    return scene.session_uid
