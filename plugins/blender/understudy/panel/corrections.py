# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the Understudy tab for putting right what was found, in the sequencer and beside the points."""

from __future__ import annotations

import bpy

from .. import compat
from ..corrections import matte_strip, pose_scene
from ..corrections.operators import (
    UNDERSTUDY_OT_correct_matte,
    UNDERSTUDY_OT_correct_pose,
    UNDERSTUDY_OT_send_corrections,
)
from ..corrections.painting import UNDERSTUDY_OT_paint_matte
from ..corrections.state import state
from ..translations import words
from .carried import draw_carried
from .parts import ClosedPanel, write


class UNDERSTUDY_PT_corrections(ClosedPanel, bpy.types.Panel):
    bl_label = "Corrections"
    bl_order = 22

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.operator(UNDERSTUDY_OT_correct_pose.bl_idname, icon="ARMATURE_DATA")
        row.operator(UNDERSTUDY_OT_correct_matte.bl_idname, icon="MOD_MASK")
        if matte_strip.is_there(compat.sequencer_scene(context)):
            layout.operator(UNDERSTUDY_OT_paint_matte.bl_idname, icon="BRUSH_DATA")
        _draw_sending(layout, context)
        draw_carried(layout, context, ("keypoints", "face_boxes", "matte"))


class UNDERSTUDY_PT_points(bpy.types.Panel):
    """In the window that shows the points over the clip."""

    bl_label = "Understudy"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Understudy"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return pose_scene.KEY in context.scene

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        text = words("Move joints where they are wrong. Each move is kept by itself.")
        write(layout.column(align=True), text, context)
        row = layout.row(align=True)
        for group in pose_scene.groups(context.scene):
            row.prop(
                group,
                "hide_viewport",
                text=words(group[pose_scene.GROUP_KEY]),
                toggle=1,
                invert_checkbox=True,
            )
        _draw_sending(layout, context)


def _draw_sending(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    layout.operator(UNDERSTUDY_OT_send_corrections.bl_idname, icon="EXPORT")
    if state.busy:
        layout.progress(factor=state.fraction, text=state.text)
    elif state.text:
        write(layout.column(align=True), state.text, context, icon="ERROR" if state.failed else "INFO")
