# SPDX-License-Identifier: GPL-3.0-or-later
"""The Understudy tab in the sequencer's sidebar."""

from __future__ import annotations

import textwrap

import bpy

from . import compat
from .job import Outcome
from .operators import (
    OPTIONS,
    UNDERSTUDY_OT_animate,
    UNDERSTUDY_OT_ask_server,
    UNDERSTUDY_OT_cancel,
    UNDERSTUDY_OT_replace,
    UNDERSTUDY_PG_options,
)
from .session import Swap, session

ICONS = {Outcome.FINISHED: "CHECKMARK", Outcome.CANCELLED: "X", Outcome.FAILED: "ERROR"}


class SidebarPanel:
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Understudy"


class UNDERSTUDY_PT_swap(SidebarPanel, bpy.types.Panel):
    bl_label = "Understudy"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.operator(UNDERSTUDY_OT_replace.bl_idname)
        row.operator(UNDERSTUDY_OT_animate.bl_idname)
        row = layout.row()
        _write(row.column(align=True), session.about.line, context)
        row.operator(UNDERSTUDY_OT_ask_server.bl_idname, text="", icon="FILE_REFRESH")
        _write(layout.column(align=True), session.about.notice, context, icon="INFO")


class UNDERSTUDY_PT_options(SidebarPanel, bpy.types.Panel):
    bl_label = "Options"
    bl_parent_id = "UNDERSTUDY_PT_swap"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        options = compat.sequencer_scene(context).understudy
        for name in OPTIONS:
            row = layout.row()
            row.active = _counts(name, options)
            row.prop(options, name)


def _counts(name: str, options: UNDERSTUDY_PG_options) -> bool:
    """Whether the option changes anything: four steps settle how many there are, where the model makes them."""
    if name == "four_step":
        return session.about.four_step
    return name != "steps" or not options.four_step


class UNDERSTUDY_PT_jobs(SidebarPanel, bpy.types.Panel):
    bl_label = "Jobs"
    bl_parent_id = "UNDERSTUDY_PT_swap"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(session.swaps)

    def draw(self, context: bpy.types.Context) -> None:
        for swap in reversed(session.swaps.values()):
            _draw_swap(self.layout.box(), swap, context)


def _draw_swap(box: bpy.types.UILayout, swap: Swap, context: bpy.types.Context) -> None:
    row = box.row()
    row.label(text=f"{swap.placement.name} {swap.mode}", icon=ICONS.get(swap.outcome, "RENDER_ANIMATION"))
    row.operator(UNDERSTUDY_OT_cancel.bl_idname, text="", icon="X").uid = swap.uid
    if swap.outcome is None:
        box.progress(factor=swap.fraction, text=swap.text)
    else:
        _write(box.column(align=True), swap.text, context)
    for text in filter(None, (swap.obstacle, swap.notice)):
        _write(box.column(align=True), text, context, icon="INFO")


def _write(column: bpy.types.UILayout, text: str, context: bpy.types.Context, icon: str = "NONE") -> None:
    """*text* on as many lines as the sidebar needs: Blender cuts a label that is too long."""
    letter_px = 7 * context.preferences.system.ui_scale  # about, of Blender's own font
    for line in textwrap.wrap(text, max(20, int(context.region.width / letter_px) - 8)):
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else "NONE"


register, unregister = bpy.utils.register_classes_factory(
    (UNDERSTUDY_PT_swap, UNDERSTUDY_PT_options, UNDERSTUDY_PT_jobs)
)
