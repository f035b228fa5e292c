# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel offers against what stands in the way: one button for each."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import character, compat, timeline
from ..desk import desk
from ..preferences import server_choice
from ..ranges import Refusal
from ..server import is_loopback
from .refusing import NeedsSequencer, refuse

PACKAGE = __package__.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Fix:
    operator: str
    text: str
    icon: str


FIXES = {
    "start_server": Fix("understudy.start_server", "Start Server", "PLAY"),
    "choose_program": Fix("understudy.open_preferences", "Choose Program", "PREFERENCES"),
    "open_preferences": Fix("understudy.open_preferences", "Open Preferences", "PREFERENCES"),
    "frames": Fix("understudy.open_preferences", "Choose Another Folder", "PREFERENCES"),
    "choose_character": Fix("understudy.choose_character", "Choose Picture", "FILE_IMAGE"),
    "find_clip": Fix("understudy.find_clip", "Choose File", "FILE_MOVIE"),
    "select_clip": Fix("understudy.select_clip", "Select Clip", "RESTRICT_SELECT_OFF"),
    "match_rate": Fix("understudy.match_rate", "Use the Clip's Rate", "TIME"),
    "unlock_channel": Fix("understudy.unlock_channels", "Unlock Channels", "UNLOCKED"),
}

BY_REASON = {
    "SERVER_NOT_RUNNING": "start_server",
    "SERVER_GONE": "start_server",
    "SERVER_AWAY": "start_server",
    "ENDPOINT_UNREADABLE": "start_server",
    "SERVER_NOT_STARTED": "choose_program",
    "PROGRAM_MISSING": "choose_program",
    "ADDRESS_UNREADABLE": "open_preferences",
    "TOKEN_BAD": "open_preferences",
    "TOKEN_MISSING": "open_preferences",
    "NOT_THIS_MACHINE": "open_preferences",
}
"""What helps against errors of the server, by their reasons."""


class FixOperator:
    """What worked takes the trouble off the panel."""

    def execute(self: Any, context: bpy.types.Context) -> set[str]:
        try:
            self.work(context)
        except Refusal as refusal:
            return refuse(self, refusal)
        desk.trouble = None
        return {"FINISHED"}


class FileOperator(FixOperator):
    """Asks for a file first."""

    filepath: StringProperty(subtype="FILE_PATH")
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class UNDERSTUDY_OT_choose_character(FileOperator, bpy.types.Operator):
    bl_idname = "understudy.choose_character"
    bl_label = "Choose Picture"
    bl_description = "Choose the character's picture: one person, well lit, best seen from head to foot"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - as Blender's own are written

    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    person: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # whose place it takes; empty: the main one's

    def work(self, context: bpy.types.Context) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise Refusal(f"There is no picture {path}. Choose another.", fix=character.FIX)
        character.keep(compat.sequencer_scene(context), path, self.person)


class UNDERSTUDY_OT_find_clip(FileOperator, NeedsSequencer, bpy.types.Operator):
    bl_idname = "understudy.find_clip"
    bl_label = "Choose File"
    bl_description = "Tell the selected strip where its movie is now"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def work(self, context: bpy.types.Context) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise Refusal(f"There is no movie {path}. Choose another.", fix="find_clip")
        timeline.source_strip(compat.sequencer_scene(context)).filepath = self.filepath


class UNDERSTUDY_OT_select_clip(FixOperator, NeedsSequencer, bpy.types.Operator):
    bl_idname = "understudy.select_clip"
    bl_label = "Select Clip"
    bl_description = "Select the topmost movie strip under the playhead, or the only one that there is"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def work(self, context: bpy.types.Context) -> None:
        scene = compat.sequencer_scene(context)
        strips = timeline.open_strips(scene.sequence_editor)
        movies = [strip for strip in strips if strip.type == "MOVIE"]
        here = [strip for strip in movies if _covers(strip, scene.frame_current)]
        if not here and len(movies) != 1:
            raise Refusal("No movie strip lies under the playhead. Add one, or move the playhead to it.")
        wanted = max(here or movies, key=lambda strip: strip.channel)
        for strip in strips:
            strip.select = strip == wanted or (strip.select and strip.type == "IMAGE")
        scene.sequence_editor.active_strip = wanted


class UNDERSTUDY_OT_match_rate(FixOperator, NeedsSequencer, bpy.types.Operator):
    bl_idname = "understudy.match_rate"
    bl_label = "Use the Clip's Rate"
    bl_description = "Set the scene's frame rate to the selected clip's"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def work(self, context: bpy.types.Context) -> None:
        scene = compat.sequencer_scene(context)
        rate = timeline.source_strip(scene).fps
        scene.render.fps, scene.render.fps_base = _as_blender(rate)


class UNDERSTUDY_OT_unlock_channels(FixOperator, NeedsSequencer, bpy.types.Operator):
    bl_idname = "understudy.unlock_channels"
    bl_label = "Unlock Channels"
    bl_description = "Unlock the channels above the selected clip, and show those that are muted"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def work(self, context: bpy.types.Context) -> None:
        scene = compat.sequencer_scene(context)
        above = timeline.source_strip(scene).channel
        for channel in list(scene.sequence_editor.channels)[above + 1 :]:
            channel.lock = channel.mute = False


class UNDERSTUDY_OT_open_preferences(FixOperator, bpy.types.Operator):
    bl_idname = "understudy.open_preferences"
    bl_label = "Open Preferences"
    bl_description = "Open the preferences of this extension: server, program, folders"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def work(self, context: bpy.types.Context) -> None:
        bpy.ops.preferences.addon_show(module=PACKAGE)


def fix_for(reason: str, context: bpy.types.Context) -> Fix | None:
    """What helps against an error of the server, if anything here does."""
    key = BY_REASON.get(reason, "")
    address = server_choice(context).address
    if key == "start_server" and address:
        key = "open_preferences" if not is_loopback(address) else ""  # the end of a tunnel is no server
    return FIXES.get(key)


def _covers(strip: Any, frame: int) -> bool:
    timing = compat.timing(strip)
    return timing.left_handle <= frame < timing.right_handle


def _as_blender(rate: float) -> tuple[int, float]:
    """A rate as the scene holds it: 24000/1001 is 24 and 1.001."""
    ntsc = Fraction(round(rate * 1.001)) / Fraction(1001, 1000)
    if abs(float(ntsc) - rate) < 1e-3 < abs(round(rate) - rate):
        return round(rate * 1.001), 1.001
    whole = max(1, round(rate))
    return whole, whole / rate


CLASSES = (
    UNDERSTUDY_OT_choose_character,
    UNDERSTUDY_OT_find_clip,
    UNDERSTUDY_OT_select_clip,
    UNDERSTUDY_OT_match_rate,
    UNDERSTUDY_OT_unlock_channels,
    UNDERSTUDY_OT_open_preferences,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
