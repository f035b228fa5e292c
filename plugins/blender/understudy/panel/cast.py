# SPDX-License-Identifier: GPL-3.0-or-later
"""Several people, each replaced by a character of their own."""

from __future__ import annotations

import bpy

from .. import compat, options
from ..thumbnails import thumbnails
from .parts import ClosedPanel
from .swap import draw_picker


class UNDERSTUDY_PT_cast(ClosedPanel, bpy.types.Panel):
    bl_label = "More Characters"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        scene = compat.sequencer_scene(context)
        return scene is not None and len(scene.understudy.people) > 1

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        picked = compat.sequencer_scene(context).understudy
        main = options.names_of(picked.person) or (picked.people[0].name,)
        layout.label(text="Replace these people too, by:")
        for person in picked.people:
            if person.name in main:
                continue
            row = layout.row(align=True)
            row.label(text=person.name, icon_value=thumbnails().icon(person.picture), translate=False)
            draw_picker(row, person)
