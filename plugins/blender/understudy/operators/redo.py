# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of a result made again."""

from __future__ import annotations

import functools
from typing import ClassVar

import bpy
from bpy.props import BoolProperty, IntProperty

from .. import compat, server, timeline
from ..frames import new_folder
from ..job import PATIENCE_S, Work
from ..preferences import frames_folder, server_choice
from ..ranges import Refusal
from ..request import build_retake
from ..session import Swap, new_uid
from .refusing import NeedsSequencer, refuse
from .swap import begun


class UNDERSTUDY_OT_redo(NeedsSequencer, bpy.types.Operator):
    bl_idname = "understudy.redo"
    bl_label = "Redo Part"
    bl_description = (
        "Make a part of the selected result again, as a new version: the preview range, or the part of a strip that "
        "was split. The frames on either side stay as they are, and the new ones join them"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    seed: IntProperty(
        name="Seed", description="0 takes the next one after the earlier version's", default=0, min=0
    )
    wait: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            swap = self._begin(context)
        except Refusal as refusal:
            return refuse(self, refusal)
        return begun(self, swap)

    def _begin(self, context: bpy.types.Context) -> Swap:
        part = timeline.read_part(compat.sequencer_scene(context))
        uid, title = new_uid(), f"{part.placement.name} {part.mode}"
        work = Work(
            uid=uid,
            folder=new_folder(frames_folder(context), title, uid),
            frames=part.frames,
            title=title,
            kept=part.kept(),
            spec=functools.partial(build_retake, part.job, part.span, self.seed),
        )
        connect = functools.partial(server.connect, server_choice(context), patience_s=PATIENCE_S)
        return timeline.begin(part.mode, part.placement, work, connect)


register, unregister = bpy.utils.register_classes_factory((UNDERSTUDY_OT_redo,))
