# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of this session: how far each is, and what can be done with it."""

from __future__ import annotations

import bpy

from ..messages import Outcome
from ..operators.fixes import fix_for
from ..operators.jobs import (
    UNDERSTUDY_OT_cancel,
    UNDERSTUDY_OT_pause,
    UNDERSTUDY_OT_resume,
    UNDERSTUDY_OT_retry,
)
from ..session import Swap, session
from ..translations import words
from .parts import GREEN, ORANGE, RED, YELLOW, SidebarPanel, complain, dot, write

DOTS = {None: YELLOW, Outcome.FINISHED: GREEN, Outcome.CANCELLED: ORANGE, Outcome.FAILED: RED}


class UNDERSTUDY_PT_jobs(SidebarPanel, bpy.types.Panel):
    bl_label = "Jobs"
    bl_parent_id = "UNDERSTUDY_PT_swap"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(session.swaps)

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        for swap in reversed(session.swaps.values()):
            _draw_swap(column.column(align=True), swap, context)


def _draw_swap(column: bpy.types.UILayout, swap: Swap, context: bpy.types.Context) -> None:
    row = column.row(align=True)
    row.label(text=f"{swap.placement.name} {swap.mode}", icon=dot(DOTS[swap.outcome]), translate=False)
    _draw_buttons(row, swap)
    if swap.outcome is None:
        column.progress(factor=swap.fraction, text=words(swap.brief))
        if swap.is_waiting_for_server:
            write(column, swap.text, context, icon="INFO")
    elif swap.outcome is Outcome.FAILED:
        complain(column, swap.text, context, fix_for(swap.reason, context))
    elif swap.outcome is Outcome.CANCELLED:
        write(column, swap.text, context)
    if swap.obstacle:
        complain(column, swap.obstacle, context)


def _draw_buttons(row: bpy.types.UILayout, swap: Swap) -> None:
    if swap.paused:
        row.operator(UNDERSTUDY_OT_resume.bl_idname, text="", icon="PLAY", emboss=False).uid = swap.uid
    elif swap.can_pause:
        row.operator(UNDERSTUDY_OT_pause.bl_idname, text="", icon="PAUSE", emboss=False).uid = swap.uid
    elif swap.can_retry:
        row.operator(UNDERSTUDY_OT_retry.bl_idname, text="", icon="FILE_REFRESH", emboss=False).uid = swap.uid
    row.operator(UNDERSTUDY_OT_cancel.bl_idname, text="", icon="X", emboss=False).uid = swap.uid
