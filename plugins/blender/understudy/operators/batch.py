# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs without a window: `blender -b FILE --python-expr …`, and what `understudy blender-batch` asks for."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .. import compat, pump, timeline
from ..messages import Outcome, State
from ..ranges import Refusal
from ..request import Mode
from ..session import Swap
from .refusing import refuse


class UNDERSTUDY_OT_batch(bpy.types.Operator):
    bl_idname = "understudy.batch"
    bl_label = "Finish Jobs"
    bl_description = (
        "Take up all unfinished jobs of this file and wait for them. With a strip, a mode and a character, begin a "
        "job of that strip first"
    )
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    strip: StringProperty(name="Strip", description="A movie or scene strip, by its name")
    mode: EnumProperty(
        name="Mode", items=[(mode.value, mode.capitalize(), "") for mode in Mode], default=Mode.REPLACE.value
    )
    filepath: StringProperty(name="Character", description="A picture of the character", subtype="FILE_PATH")
    save: BoolProperty(name="Save", description="Save the file at the end", default=False)

    def execute(self, context: bpy.types.Context) -> set[str]:
        swaps = pump.take_up()
        try:
            if self.strip:
                swaps.append(self._begun(context))
        except Refusal as refusal:
            return refuse(self, refusal)
        failed = [text for swap in swaps if (text := _waited_for(swap))]
        if self.save:
            bpy.ops.wm.save_mainfile()
        for text in failed:
            self.report({"ERROR"}, text)
        if not failed:
            self.report({"INFO"}, "1 job finished" if len(swaps) == 1 else f"{len(swaps)} jobs finished")
        return {"CANCELLED" if failed else "FINISHED"}

    def _begun(self, context: bpy.types.Context) -> Swap:
        scene = compat.sequencer_scene(context)
        timeline.select_alone(scene, self.strip)
        operator = getattr(bpy.ops.understudy, self.mode)
        given = {"filepath": self.filepath} if self.filepath else {}
        try:
            operator(wait=False, **given)
        except RuntimeError as error:  # what it reported
            raise Refusal(str(error).removeprefix("Error: ").strip()) from error
        return pump.newest()


def _waited_for(swap: Swap) -> str:
    """What went wrong, in a sentence; "" when all is on the timeline."""
    while swap.outcome is None:
        pump.pump()
        if swap.state is State.AWAY:
            swap.thread.leave()
            return swap.text
        swap.thread.join(0.01)
    pump.run_until_ended(swap)
    if swap.obstacle or swap.outcome is not Outcome.FINISHED:
        return f"{swap.placement.name}: {swap.obstacle or swap.text}"
    return ""


register, unregister = bpy.utils.register_classes_factory((UNDERSTUDY_OT_batch,))
