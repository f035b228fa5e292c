# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set once for all files: how the server is found, and started."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from .server import ServerChoice


class UNDERSTUDY_preferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    start_server: BoolProperty(
        name="Start Server",
        description="Start the Understudy server when a job is begun and none runs",
        default=True,
    )
    command: StringProperty(
        name="Program",
        description="The understudy program; left empty, it is looked for on PATH",
        subtype="FILE_PATH",
    )
    data_folder: StringProperty(
        name="Data Folder",
        description="Where the server keeps its data; left empty, the usual folder of this user",
        subtype="DIR_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "start_server")
        row = layout.row()
        row.active = self.start_server
        row.prop(self, "command")
        layout.prop(self, "data_folder")


def server_choice(context: bpy.types.Context) -> ServerChoice:
    """The preferences as plain values, for threads."""
    chosen = context.preferences.addons[__package__].preferences
    return ServerChoice(
        command=bpy.path.abspath(chosen.command),
        may_start=chosen.start_server,
        data_folder=Path(bpy.path.abspath(chosen.data_folder)) if chosen.data_folder else None,
        online_access=bpy.app.online_access,
    )


def frames_folder() -> Path:
    """Where jobs' frames go: beside the .blend, or with the extension's own files while it is unsaved."""
    if bpy.data.filepath:
        return Path(bpy.path.abspath("//understudy"))
    return Path(bpy.utils.extension_path_user(__package__, path="frames", create=True))


register, unregister = bpy.utils.register_classes_factory((UNDERSTUDY_preferences,))
