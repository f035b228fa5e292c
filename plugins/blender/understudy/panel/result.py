# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with the result that is selected."""

from __future__ import annotations

import bpy

from .. import compat, timeline
from ..operators.redo import UNDERSTUDY_OT_redo
from .parts import SidebarPanel


class UNDERSTUDY_PT_result(SidebarPanel, bpy.types.Panel):
    bl_label = "Result"
    bl_parent_id = "UNDERSTUDY_PT_swap"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return timeline.result_strip(compat.sequencer_scene(context)) is not None

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.operator(UNDERSTUDY_OT_redo.bl_idname, icon="FILE_REFRESH")
