# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set once for all files: how the server is found and started, where frames go."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from .server import ServerChoice, is_loopback


def _listen_anew(self: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    from . import listening  # which needs the preferences

    listening.begin_anew(context)


class UNDERSTUDY_preferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    address: StringProperty(
        name="Server",
        description="host:port of a server on another machine, to which clips and pictures are sent; "
        "empty: the server of this machine, which finds files where they lie",
        update=_listen_anew,
    )
    token: StringProperty(
        name="Token",
        description="What lets you in on that server: the token in its endpoint.json",
        subtype="PASSWORD",
        update=_listen_anew,
    )
    start_server: BoolProperty(
        name="Start Server",
        description="Start the Understudy server when a job is begun and none runs",
        default=True,
    )
    command: StringProperty(
        name="Program",
        description="The understudy program, in whatever environment it is installed; empty: looked for on PATH",
        subtype="FILE_PATH",
    )
    data_folder: StringProperty(
        name="Data Folder",
        description="Where the server keeps its data; empty: the usual folder of this user",
        subtype="DIR_PATH",
        update=_listen_anew,
    )
    frames_folder: StringProperty(
        name="Frames",
        description="Where finished frames are written; empty: a folder 'understudy' beside the .blend",
        subtype="DIR_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        column = layout.column(heading="This Machine")
        column.active = not self.address
        column.prop(self, "start_server")
        row = column.row()
        row.active = self.start_server
        row.prop(self, "command")
        column.prop(self, "data_folder")
        column = layout.column()
        column.prop(self, "address", text="Another Machine", placeholder="host:port")
        row = column.row()
        row.active = bool(self.address)
        row.prop(self, "token")
        if self.address and not is_loopback(self.address):
            column.label(text="Through a tunnel only: 127.0.0.1 and its port", icon="ERROR")
        layout.prop(self, "frames_folder")


def preferences(context: bpy.types.Context) -> UNDERSTUDY_preferences:
    return context.preferences.addons[__package__].preferences


def server_choice(context: bpy.types.Context) -> ServerChoice:
    """The preferences as plain values, for threads."""
    chosen = preferences(context)
    return ServerChoice(
        address=chosen.address.strip(),
        token=chosen.token,
        command=bpy.path.abspath(chosen.command),
        may_start=chosen.start_server,
        data_folder=Path(bpy.path.abspath(chosen.data_folder)) if chosen.data_folder else None,
    )


def frames_folder(context: bpy.types.Context | None = None) -> Path:
    """Where jobs' frames go: beside the .blend, or with the extension's own files while it is unsaved."""
    chosen = preferences(context or bpy.context).frames_folder
    if chosen and (bpy.data.filepath or not chosen.startswith("//")):
        return Path(bpy.path.abspath(chosen))
    if bpy.data.filepath:
        return Path(bpy.path.abspath("//understudy"))
    return own_folder("frames")


def own_folder(name: str) -> Path:
    """A folder among the extension's own files, which no .blend needs."""
    return Path(bpy.utils.extension_path_user(__package__, path=name, create=True))


register, unregister = bpy.utils.register_classes_factory((UNDERSTUDY_preferences,))
