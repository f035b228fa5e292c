# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace and Animate."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import carried, character, compat, options, passes, pump, server, timeline
from ..desk import desk
from ..frames import new_folder
from ..job import LAYERS, PATIENCE_S, Work
from ..messages import Outcome
from ..people import cast, key_of
from ..preferences import frames_folder, own_folder, server_choice
from ..quality import Quality
from ..ranges import ClipRange, Refusal
from ..request import USUAL_EDGES, Mode, RoleChoice, SwapRequest, build_spec
from ..selection import prompt_of
from ..session import Swap, new_uid
from .refusing import NeedsSequencer, refuse


class SwapOperator(NeedsSequencer, options.Choices):
    """Hands the selected movie strip to the server. In background mode it returns when the job has ended."""

    mode: ClassVar[Mode]
    bl_options: ClassVar[set[str]] = {
        "REGISTER"
    }  # pushes its own undo step; with UNDO, its settings would begin another job

    filepath: StringProperty(name="Character", description="A picture of the character", subtype="FILE_PATH")
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    keep_picture: BoolProperty(default=False, options={"HIDDEN", "SKIP_SAVE"})  # for the next job
    wait: BoolProperty(
        name="Wait",
        description="In background mode, return when the job has ended",
        default=True,
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Asks for the character's picture if none is selected or chosen."""
        scene = compat.sequencer_scene(context)
        desk.mode = self.mode
        try:
            source = timeline.read_source(scene)
        except Refusal as refusal:
            return refuse(self, refusal)
        if character.shown(scene) or self.properties.is_property_set("filepath"):
            return self.execute(context)
        self.filepath, self.keep_picture = f"{source.clip.parent}{os.sep}", True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing beside the file browser: the panel has the choices."""

    def execute(self, context: bpy.types.Context) -> set[str]:
        desk.mode = self.mode
        try:
            swap = self._begin(context)
        except Refusal as refusal:
            return refuse(self, refusal)
        desk.trouble = None
        return begun(self, swap)

    def _begin(self, context: bpy.types.Context) -> Swap:
        scene = compat.sequencer_scene(context)
        source = timeline.read_source(scene, scene.understudy.handles)
        people = self._people(scene, source)
        if "keypoints" in carried.passes_of(timeline.source_strip(scene)):
            people = ()  # the strip's own keypoints say whom to follow
        uid, title = new_uid(), f"{source.placement.name} {self.mode}"
        folder = new_folder(frames_folder(context), title, uid)
        request = SwapRequest(
            mode=self.mode,
            clip=folder / timeline.RENDERED if source.render else source.clip,
            frames=source.asked,
            character=self._character(scene),
            people=people,
            roles=self._roles(scene, source, people),
            passes=self._passes(scene, source),
            edges={name: self._option(scene, name) for name in USUAL_EDGES},
            relight_strength=self._option(scene, "relight_strength"),
            prompt=self.prompt if self.properties.is_property_set("prompt") else prompt_of(scene.understudy),
            seed=self._option(scene, "seed"),
            quality=Quality(self._option(scene, "quality")),
            steps=self._option(scene, "steps"),
            four_step_strength=self._option(scene, "four_step_strength"),
            loras=options.loras_of(scene.understudy),
            title=title,
            folder=folder,
        )
        work = Work(
            uid=uid,
            folder=folder,
            frames=source.placement.frames,
            title=title,
            render=source.render(folder) if source.render else None,
            spec=lambda client, say: build_spec(client, request, say),
            layers=self._layers(scene, roles=1 + len(request.roles)),
        )
        connect = functools.partial(server.connect, server_choice(context), patience_s=PATIENCE_S)
        return timeline.begin(self.mode, source.placement, work, connect)

    def _layers(self, scene: bpy.types.Scene, roles: int) -> tuple[str, ...]:
        wanted = [name for name in LAYERS if getattr(scene.understudy, f"layer_{name}")]
        if self.mode is Mode.ANIMATE:
            return tuple(name for name in wanted if name != "character")
        return tuple(f"{name}-{role}" if role else name for name in wanted for role in range(roles))

    def _character(self, scene: bpy.types.Scene) -> Path:
        if not (self.properties.is_property_set("filepath") and self.filepath):
            return character.chosen_file(scene, own_folder("characters"))
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise Refusal(f"There is no picture {path}. Choose another.", fix=character.FIX)
        if self.keep_picture:
            character.keep(scene, path)
        return path

    def _people(self, scene: bpy.types.Scene, source: timeline.Source) -> tuple[str, ...]:
        """Whom the character follows. Names that were given in another clip, or in other frames, count for nothing."""
        chosen = scene.understudy
        if self.properties.is_property_set("person"):
            return options.names_of(self.person)
        known = chosen.people_of == key_of(source.clip, source.asked)
        return options.names_of(chosen.person) if known else ()

    def _roles(
        self, scene: bpy.types.Scene, source: timeline.Source, people: tuple[str, ...]
    ) -> tuple[RoleChoice, ...]:
        """Further people who have a picture, if they were found in just these frames."""
        chosen = scene.understudy
        if self.mode is Mode.ANIMATE or chosen.people_of != key_of(source.clip, source.asked):
            return ()
        main = people or (chosen.people[0].name,)
        folder = own_folder("characters")
        return cast(main, options.pictures(chosen, lambda image: character.file_of(image, folder)))

    def _passes(self, scene: bpy.types.Scene, source: timeline.Source) -> dict[str, Path]:
        """What the strip carries counts before the scene's choice, and what this operator is told before both."""
        folder = self._option(scene, "passes_folder")
        files = {name: self._option(scene, name) for name in options.passes_for(self.mode)}
        strip = timeline.source_strip(scene)
        wanted = source.asked
        if source.render:
            content = carried.content_shown(compat.timing(strip))
            wanted = ClipRange(content.start - source.placement.before, content.end + source.placement.behind)
        made = carried.fitting(carried.passes_of(strip), wanted)
        told = {name for name in options.PASSES if self.properties.is_property_set(name)}
        return passes.gather(
            Path(bpy.path.abspath(folder)) if folder else None,
            {name: Path(bpy.path.abspath(path)) for name, path in files.items() if path}
            | {name: path for name, path in made.items() if name in files and name not in told},
        )

    def _option(self, scene: bpy.types.Scene, name: str) -> Any:
        return getattr(self if self.properties.is_property_set(name) else scene.understudy, name)


def begun(operator: bpy.types.Operator, swap: Swap) -> set[str]:
    """Lets a timer follow the job; in background mode returns when it has ended, as scripts want it."""
    if not bpy.app.background:
        pump.start_timer()
        return {"FINISHED"}
    if not operator.wait:
        return {"FINISHED"}
    pump.run_until_ended(swap)
    if swap.outcome is Outcome.FINISHED and not swap.obstacle:
        return {"FINISHED"}
    operator.report({"ERROR"}, swap.obstacle or swap.text)
    return {"CANCELLED"}


class UNDERSTUDY_OT_replace(SwapOperator, bpy.types.Operator):
    bl_idname = "understudy.replace"
    bl_label = "Replace"
    bl_description = (
        "The character takes the place of the person in the selected clip, under the clip's light; "
        "everything outside the person stays as it is"
    )
    mode = Mode.REPLACE


class UNDERSTUDY_OT_animate(SwapOperator, bpy.types.Operator):
    bl_idname = "understudy.animate"
    bl_label = "Animate"
    bl_description = (
        "The character's picture comes alive with the motion and expression of the person in the selected clip, "
        "on the picture's own background"
    )
    mode = Mode.ANIMATE


def draw_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """In the sequencer's Strip menu and context menu."""
    layout = self.layout
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator(UNDERSTUDY_OT_replace.bl_idname, text="Replace Character", icon="OUTLINER_OB_ARMATURE")
    layout.operator(UNDERSTUDY_OT_animate.bl_idname, text="Animate Character", icon="ARMATURE_DATA")


MENUS = ("SEQUENCER_MT_strip", "SEQUENCER_MT_context_menu")

_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    (UNDERSTUDY_OT_replace, UNDERSTUDY_OT_animate)
)


def register() -> None:
    _register_classes()
    for name in MENUS:
        getattr(bpy.types, name).append(draw_menu)


def unregister() -> None:
    for name in MENUS:
        getattr(bpy.types, name).remove(draw_menu)
    _unregister_classes()
