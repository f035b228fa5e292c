# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels share."""

from __future__ import annotations

import textwrap
from typing import ClassVar

import bpy

from ..operators.fixes import Fix

NO_ICON = "NONE"


class SidebarPanel:
    bl_space_type: ClassVar[str] = "SEQUENCE_EDITOR"
    bl_region_type: ClassVar[str] = "UI"
    bl_category: ClassVar[str] = "Understudy"


class ClosedPanel(SidebarPanel):
    """A part of the tab that is seldom needed."""

    bl_parent_id: ClassVar[str] = "UNDERSTUDY_PT_swap"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}


def settings(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """*layout* with names beside values, and without keys."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout


def write(column: bpy.types.UILayout, text: str, context: bpy.types.Context, icon: str = NO_ICON) -> None:
    """*text* on as many lines as the sidebar needs: Blender cuts a label that is too long."""
    letter_px = 6.3 * context.preferences.system.ui_scale  # about, of Blender's own font
    for line in textwrap.wrap(text, max(20, int(context.region.width / letter_px) - 9)):
        column.label(text=line, icon=icon, translate=False)
        icon = "BLANK1" if icon != NO_ICON else NO_ICON


def complain(
    layout: bpy.types.UILayout, text: str, context: bpy.types.Context, fix: Fix | None = None
) -> None:
    """What went wrong, in red, and the button that helps."""
    column = layout.column(align=True)
    lines = column.column(align=True)
    lines.alert = True
    write(lines, text, context, icon="ERROR")
    if fix is not None:
        column.operator(fix.operator, text=fix.text, icon=fix.icon)


def dot(number: int) -> str:
    """The icon of a coloured dot, by the number of Blender's strip colours: renamed in 4.4."""
    return f"STRIP_COLOR_{number:02d}" if bpy.app.version >= (4, 4, 0) else f"SEQUENCE_COLOR_{number:02d}"


RED, ORANGE, YELLOW, GREEN, GREY = 1, 2, 3, 4, 9
