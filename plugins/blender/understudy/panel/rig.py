# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the Understudy tab for a rig that performs."""

from __future__ import annotations

import bpy

from ..rig.operators import UNDERSTUDY_OT_drive_by_rig
from .carried import draw_carried
from .parts import ClosedPanel, settings


class UNDERSTUDY_PT_rig(ClosedPanel, bpy.types.Panel):
    bl_label = "Rig"
    bl_order = 20

    def draw(self, context: bpy.types.Context) -> None:
        layout = settings(self.layout)
        layout.prop(context.scene, "understudy_rig")
        layout.operator(UNDERSTUDY_OT_drive_by_rig.bl_idname, icon="OUTLINER_OB_ARMATURE")
        draw_carried(layout, context, ("keypoints",))
