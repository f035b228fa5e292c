# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out who is in the clip, and choose whom the character follows."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import compat, options, pump, timeline
from ..desk import desk
from ..errands import Done, Post
from ..people import Finder, Search, Wanted
from ..preferences import own_folder, server_choice
from ..ranges import Refusal
from ..session import session
from .refusing import NeedsSequencer, refuse


class UNDERSTUDY_OT_find_people(NeedsSequencer, bpy.types.Operator):
    bl_idname = "understudy.find_people"
    bl_label = "Find People"
    bl_description = (
        "Look who is in the selected clip, so that you can choose. What is found is used by the job, "
        "which begins the sooner"
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = compat.sequencer_scene(context)
        try:
            source = timeline.read_source(scene, scene.understudy.handles)
            if source.render:
                raise Refusal(
                    "Blender has to render this strip first: its people are found when its job begins."
                )
        except Refusal as refusal:
            return refuse(self, refusal)
        wanted = Wanted(clip=source.clip, frames=source.asked, folder=own_folder("people"))
        _begin(Finder(server_choice(context), wanted), compat.scene_uid(scene))
        return {"FINISHED"}


def _begin(finder: Finder, scene_uid: int) -> None:
    if desk.finder is not None:
        desk.finder.cancel()
    desk.finder, desk.search, desk.trouble = finder, None, None

    def take(search: Search) -> None:
        if desk.finder is not finder:
            return  # another file, or another search
        if search.people is not None and (desk.search is None or desk.search.people != search.people):
            _show(search, scene_uid)
        desk.search = search
        if search.ended:
            desk.finder = None

    def errand(post: Post) -> Done | None:
        finder.run(lambda search: post(lambda: take(search)))
        return None

    session.errands.begin(errand, "people")
    if not bpy.app.background:
        pump.start_timer()


def _show(search: Search, scene_uid: int) -> None:
    scene = next((each for each in bpy.data.scenes if compat.scene_uid(each) == scene_uid), None)
    if scene is not None and search.people is not None:
        options.set_people(scene.understudy, search.people, search.key, search.analysis)
        timeline.push_undo("Find People")


class UNDERSTUDY_OT_stop_finding(bpy.types.Operator):
    bl_idname = "understudy.stop_finding"
    bl_label = "Cancel"
    bl_description = "Stop looking. What has been found stays for the next time"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - as Blender's own are written

    def execute(self, context: bpy.types.Context) -> set[str]:
        if desk.finder is not None:
            desk.finder.cancel()
        return {"FINISHED"}


class UNDERSTUDY_OT_choose_person(bpy.types.Operator):
    bl_idname = "understudy.choose_person"
    bl_label = "Choose Person"
    bl_description = (
        "The character follows this person; once more, and whoever takes up most of each shot. With Shift this one "
        "as well: somebody who is in several shots has a name in each"
    )
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    name: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    extend: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.extend = event.shift
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = compat.sequencer_scene(context).understudy
        before = set(options.names_of(chosen.person))
        names = before ^ {self.name} if self.extend else {self.name} - before
        chosen.person = ",".join(sorted(names))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (UNDERSTUDY_OT_find_people, UNDERSTUDY_OT_stop_finding, UNDERSTUDY_OT_choose_person)
)
