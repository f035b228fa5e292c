# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the Understudy tab for Blender's masks."""

from __future__ import annotations

import bpy

from .. import compat
from ..masks import USES, UNDERSTUDY_OT_use_mask
from .carried import draw_carried
from .parts import ClosedPanel, settings


class UNDERSTUDY_PT_masks(ClosedPanel, bpy.types.Panel):
    bl_label = "Masks"
    bl_order = 21

    def draw(self, context: bpy.types.Context) -> None:
        layout = settings(self.layout)
        layout.prop(compat.sequencer_scene(context), "understudy_mask")
        row = layout.row(align=True)
        for use, title, _ in USES:
            row.operator(UNDERSTUDY_OT_use_mask.bl_idname, text=title).use = use
        draw_carried(layout, context, tuple(use for use, _, _ in USES))
