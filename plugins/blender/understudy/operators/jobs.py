# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with a job of this session: cancel, pause, go on, try again, take off the list."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from .. import pump
from ..session import Swap, session


class JobOperator:
    """Does its *work* on the job *uid*."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    uid: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self: Any, context: bpy.types.Context) -> set[str]:
        swap = session.swaps.get(self.uid)
        if swap is None:
            self.report({"ERROR"}, "This job is not in the list any more.")
            return {"CANCELLED"}
        self.work(swap)
        if not bpy.app.background:
            pump.start_timer()
        return {"FINISHED"}


class UNDERSTUDY_OT_cancel(JobOperator, bpy.types.Operator):
    bl_idname = "understudy.cancel"
    bl_label = "Cancel"
    bl_description = "Stop this job and keep its finished frames; a job that has ended leaves the list"

    def work(self, swap: Swap) -> None:
        if swap.outcome is None:
            swap.cancel()
        else:
            del session.swaps[self.uid]


class UNDERSTUDY_OT_pause(JobOperator, bpy.types.Operator):
    bl_idname = "understudy.pause"
    bl_label = "Pause"
    bl_description = "Let this job stand still after its current step, so that others get the machine"

    def work(self, swap: Swap) -> None:
        swap.pause()


class UNDERSTUDY_OT_resume(JobOperator, bpy.types.Operator):
    bl_idname = "understudy.resume"
    bl_label = "Go On"
    bl_description = "Let this job go on where it stands"

    def work(self, swap: Swap) -> None:
        swap.resume()


class UNDERSTUDY_OT_retry(JobOperator, bpy.types.Operator):
    bl_idname = "understudy.retry"
    bl_label = "Try Again"
    bl_description = "Try this job again; the parts that it has made are kept"

    def work(self, swap: Swap) -> None:
        swap.retry()


register, unregister = bpy.utils.register_classes_factory(
    (UNDERSTUDY_OT_cancel, UNDERSTUDY_OT_pause, UNDERSTUDY_OT_resume, UNDERSTUDY_OT_retry)
)
