# SPDX-License-Identifier: GPL-3.0-or-later
"""Several people, each replaced by a character of their own."""

from __future__ import annotations

import bpy

from .. import compat, options, selection
from ..ranges import Refusal
from ..thumbnails import thumbnails
from .parts import ClosedPanel
from .swap import draw_picker


class UNDERSTUDY_PT_cast(ClosedPanel, bpy.types.Panel):
    bl_label = "More Characters"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        scene = compat.sequencer_scene(context)
        return scene is not None and selection.has_strips(scene) and _are_several_here(scene)

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


def _are_several_here(scene: bpy.types.Scene) -> bool:
    """Whether several people were found in what is selected: those of another clip are not shown."""
    try:
        key = selection.selected(scene).key
    except Refusal:
        return False
    return len(scene.understudy.people) > 1 and scene.understudy.people_of == key
