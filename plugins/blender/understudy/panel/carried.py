# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strip carries of passes that were made in Blender, under the panels that make them."""

from __future__ import annotations

import bpy

from .. import carried, compat
from ..rig.operators import UNDERSTUDY_OT_drop_pass
from ..translations import words

TITLES = {
    "keypoints": ("Keypoints", "ARMATURE_DATA"),
    "face_boxes": ("Face Boxes", "MESH_MONKEY"),
    "matte": ("Matte", "MOD_MASK"),
    "garbage": ("Garbage Mask", "MOD_MASK"),
    "keep": ("Keep Mask", "MOD_MASK"),
}


def draw_carried(layout: bpy.types.UILayout, context: bpy.types.Context, names: tuple[str, ...]) -> None:
    """What the active strip carries of *names*, each with a button that takes it off."""
    scene = compat.sequencer_scene(context)
    strip = scene.sequence_editor.active_strip if scene and scene.sequence_editor else None
    if strip is None:
        return
    for name, each in carried.passes_of(strip).items():
        if name in names:
            title, icon = TITLES[name]
            row = layout.row()
            count = each.frames.end - each.frames.start
            row.label(text=words("{0}: {1} frames", words(title), count), icon=icon, translate=False)
            row.operator(UNDERSTUDY_OT_drop_pass.bl_idname, text="", icon="X").name = name
