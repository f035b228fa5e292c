# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seldom needed: steps, a prompt, LoRAs and passes of one's own, further strips."""

from __future__ import annotations

import bpy

from .. import compat, options
from ..desk import desk
from ..operators.loras import UNDERSTUDY_OT_add_lora, UNDERSTUDY_OT_remove_lora, offered
from ..quality import Quality
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
        _draw_loras(layout.column(align=True), picked)
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


def _draw_loras(column: bpy.types.UILayout, picked: options.UNDERSTUDY_PG_options) -> None:
    if desk.about.four_step:
        row = column.row()
        row.enabled = picked.quality == Quality.PREVIEW and not picked.steps
        row.prop(picked, "four_step_strength", slider=True)
    for lora in picked.loras:
        row = column.row(align=True)
        row.prop(lora, "strength", text=lora.name, translate=False, slider=True)
        row.operator(UNDERSTUDY_OT_remove_lora.bl_idname, text="", icon="X").name = lora.name
    if offered(picked):
        column.operator_menu_enum(UNDERSTUDY_OT_add_lora.bl_idname, "name", icon="ADD")


class UNDERSTUDY_PT_passes(ClosedPanel, bpy.types.Panel):
    bl_label = "Passes"
    bl_parent_id = "UNDERSTUDY_PT_advanced"

    def draw(self, context: bpy.types.Context) -> None:
        layout = settings(self.layout)
        picked = compat.sequencer_scene(context).understudy
        layout.prop(picked, "passes_folder", text="Folder")
        for name in options.PASSES:
            layout.prop(picked, name)
