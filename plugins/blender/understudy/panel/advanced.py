# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seldom needed: passes of one's own, steps, further strips."""

from __future__ import annotations

import bpy

from .. import compat, options
from ..desk import desk
from ..request import USUAL_EDGES
from ..translations import words
from .parts import ClosedPanel, settings, write


class UNDERSTUDY_PT_advanced(ClosedPanel, bpy.types.Panel):
    bl_label = "Advanced"
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        layout = settings(self.layout)
        picked = compat.sequencer_scene(context).understudy
        layout.prop(picked, "steps")
        _draw_prompt(layout.column(align=True), picked, context)
        column = layout.column(align=True)
        for name in USUAL_EDGES:
            column.prop(picked, name)
        column = layout.column(heading="Also Add")
        column.prop(picked, "layer_character")
        column.prop(picked, "layer_matte")
        column.prop(picked, "layer_pose")


def _draw_prompt(
    column: bpy.types.UILayout, picked: options.UNDERSTUDY_PG_options, context: bpy.types.Context
) -> None:
    row = column.row()
    row.enabled = not desk.about.refuses_prompt
    row.prop(picked, "prompt")
    if desk.about.refuses_prompt:
        write(column, words("{0} reads no prompt", desk.about.model), context, icon="INFO")


class UNDERSTUDY_PT_passes(ClosedPanel, bpy.types.Panel):
    bl_label = "Passes"
    bl_parent_id = "UNDERSTUDY_PT_advanced"

    def draw(self, context: bpy.types.Context) -> None:
        layout = settings(self.layout)
        picked = compat.sequencer_scene(context).understudy
        layout.prop(picked, "passes_folder", text="Folder")
        for name in options.PASSES:
            layout.prop(picked, name)
