# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, stop and ask the server. None of them waits: threads do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import bpy

from .. import listening, live, pump
from ..desk import desk
from ..errands import Done, Post
from ..live import About, State
from ..preferences import server_choice
from ..server import ServerChoice
from ..session import session


class ServerOperator:
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    meanwhile: ClassVar[State]
    work: ClassVar[Callable[[ServerChoice], About]]

    def execute(self, context: bpy.types.Context) -> set[str]:
        choice, work = server_choice(context), type(self).work
        desk.about, desk.trouble = replace(desk.about, state=self.meanwhile, text=""), None

        def errand(post: Post) -> Done:
            about = work(choice)
            return lambda: setattr(desk, "about", about)

        session.errands.begin(errand, self.bl_idname)
        listening.begin(context)
        if not bpy.app.background:
            pump.start_timer()
        return {"FINISHED"}


class UNDERSTUDY_OT_start_server(ServerOperator, bpy.types.Operator):
    bl_idname = "understudy.start_server"
    bl_label = "Start Server"
    bl_description = "Start the Understudy server on this machine. It goes on when Blender is closed"
    meanwhile = State.STARTING
    work = staticmethod(live.start)


class UNDERSTUDY_OT_stop_server(ServerOperator, bpy.types.Operator):
    bl_idname = "understudy.stop_server"
    bl_label = "Stop Server"
    bl_description = (
        "Let the server finish the part it is making and end. Unfinished jobs go on at its next start"
    )
    meanwhile = State.STOPPING
    work = staticmethod(live.stop)


class UNDERSTUDY_OT_ask_server(ServerOperator, bpy.types.Operator):
    bl_idname = "understudy.ask_server"
    bl_label = "Ask Server"
    bl_description = "See whether the server answers"
    meanwhile = State.ASKING
    work = staticmethod(live.ask)


class UNDERSTUDY_OT_show_notice(bpy.types.Operator):
    bl_idname = "understudy.show_notice"
    bl_label = "About This Model"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - as Blender's own are written

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        return desk.about.notice or "What this model is for"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Puts the line away, or shows it again."""
        desk.notice_read = "" if desk.notice_read == desk.about.notice else desk.about.notice
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        UNDERSTUDY_OT_start_server,
        UNDERSTUDY_OT_stop_server,
        UNDERSTUDY_OT_ask_server,
        UNDERSTUDY_OT_show_notice,
    )
)
