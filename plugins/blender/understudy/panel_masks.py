# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the Understudy tab for Blender's masks."""

from __future__ import annotations

import bpy

from . import compat
from .masks import USES, UNDERSTUDY_OT_use_mask
from .panel.parts import SidebarPanel
from .panel_rig import draw_carried


class UNDERSTUDY_PT_masks(SidebarPanel, bpy.types.Panel):
    bl_label = "Masks"
    bl_parent_id = "UNDERSTUDY_PT_swap"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - as Blender's own are written
    bl_order = 21

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(compat.sequencer_scene(context), "understudy_mask")
        row = layout.row(align=True)
        for use, title, _ in USES:
            row.operator(UNDERSTUDY_OT_use_mask.bl_idname, text=title).use = use
        draw_carried(layout, context, tuple(use for use, _, _ in USES))


register, unregister = bpy.utils.register_classes_factory((UNDERSTUDY_PT_masks,))
