# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the Understudy tab for passes that are made in Blender: by a rig."""

from __future__ import annotations

import bpy

from . import carried, compat
from .panel.parts import SidebarPanel
from .rig.operators import UNDERSTUDY_OT_drive_by_rig, UNDERSTUDY_OT_drop_pass
from .translations import words

TITLES = {
    "keypoints": ("Keypoints", "ARMATURE_DATA"),
    "face_boxes": ("Face Boxes", "MESH_MONKEY"),
    "matte": ("Matte", "MOD_MASK"),
    "garbage": ("Garbage Mask", "MOD_MASK"),
    "keep": ("Keep Mask", "MOD_MASK"),
}


class UNDERSTUDY_PT_rig(SidebarPanel, bpy.types.Panel):
    bl_label = "Rig"
    bl_parent_id = "UNDERSTUDY_PT_swap"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - as Blender's own are written
    bl_order = 20

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(context.scene, "understudy_rig")
        layout.operator(UNDERSTUDY_OT_drive_by_rig.bl_idname, icon="OUTLINER_OB_ARMATURE")
        draw_carried(layout, context, ("keypoints",))


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


register, unregister = bpy.utils.register_classes_factory((UNDERSTUDY_PT_rig,))
