# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace, Animate, Cancel and Ask Server."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, IntProperty, PointerProperty, StringProperty

from . import compat, passes, pump, server, timeline
from ._api.errors import UnderstudyError
from .errands import Done, Post
from .job import Outcome, SwapThread
from .preferences import frames_folder, server_choice
from .ranges import Refusal
from .request import Mode, SwapRequest
from .session import Swap, session


class Options:
    """How a swap is made: the scene's choice, and each operator's own where it is set."""

    passes_folder: StringProperty(
        name="Passes",
        description="A folder that holds passes of the clip: keypoints.json, matte.mkv, face_boxes.json, …",
        subtype="DIR_PATH",
    )
    matte: StringProperty(
        name="Matte",
        description="White is the person to be replaced; empty: found in the clip",
        subtype="FILE_PATH",
    )
    keypoints: StringProperty(
        name="Keypoints",
        description="Whole-body keypoints of the performer, as JSON; empty: found in the clip",
        subtype="FILE_PATH",
    )
    pose: StringProperty(name="Pose", description="A drawn skeleton, as a movie", subtype="FILE_PATH")
    face_boxes: StringProperty(
        name="Face Boxes", description="Where the face is, as JSON", subtype="FILE_PATH"
    )
    seed: IntProperty(name="Seed", description="The same seed makes the same picture", default=0, min=0)
    steps: IntProperty(
        name="Steps",
        description="Denoising steps of each part; 0 leaves it to the model",
        default=0,
        min=0,
        max=100,
    )
    four_step: BoolProperty(
        name="Four Steps (Quicker)",
        description="Make each part in four steps, a little less exact; not every model has learnt it",
        default=False,
    )


OPTIONS = tuple(Options.__annotations__)


class UNDERSTUDY_PG_options(Options, bpy.types.PropertyGroup):
    pass


class SwapOperator(Options):
    """Hands the selected movie strip to the server. In background mode it returns when the job has ended."""

    mode: ClassVar[Mode]
    bl_options: ClassVar[set[str]] = {"REGISTER"}  # the strip comes later, and pushes its own undo step

    filepath: StringProperty(name="Character", description="A picture of the character", subtype="FILE_PATH")
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    wait: BoolProperty(
        name="Wait",
        description="In background mode, return when the job has ended",
        default=True,
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if compat.sequencer_scene(context).sequence_editor is None:
            cls.poll_message_set("The sequencer has no strips yet")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Asks for the character's picture if no image strip is selected."""
        scene = compat.sequencer_scene(context)
        try:
            source = timeline.read_source(scene)
            if timeline.read_character(scene) or self.properties.is_property_set("filepath"):
                return self.execute(context)
        except Refusal as refusal:
            self.report({"ERROR"}, str(refusal))
            return {"CANCELLED"}
        for name in OPTIONS:  # the file browser shows them
            setattr(self, name, self._option(scene, name))
        self.filepath = f"{source.clip.parent}{os.sep}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            swap = self._begin(context)
        except Refusal as refusal:
            self.report({"ERROR"}, str(refusal))
            return {"CANCELLED"}
        if not bpy.app.background:
            pump.start_timer()
        elif self.wait:
            return self._wait(swap)
        return {"FINISHED"}

    def _begin(self, context: bpy.types.Context) -> Swap:
        scene = compat.sequencer_scene(context)
        source = timeline.read_source(scene)
        request = SwapRequest(
            mode=self.mode,
            clip=source.clip,
            frames=source.frames,
            character=self._character(scene),
            passes=self._passes(scene),
            seed=self._option(scene, "seed"),
            steps=self._option(scene, "steps"),
            four_step=self._option(scene, "four_step"),
            title=f"{source.placement.name} {self.mode}",
            folder=frames_folder(),
        )
        connect = functools.partial(server.connect, server_choice(context))
        swap = Swap(mode=self.mode, thread=SwapThread(request, connect), placement=source.placement)
        session.add(swap)
        swap.thread.start()
        return swap

    def _wait(self, swap: Swap) -> set[str]:
        pump.run_until_ended(swap)
        if swap.outcome is Outcome.FINISHED and not swap.obstacle:
            return {"FINISHED"}
        self.report({"ERROR"}, swap.obstacle or swap.text)
        return {"CANCELLED"}

    def _character(self, scene: bpy.types.Scene) -> Path:
        chosen = self.filepath if self.properties.is_property_set("filepath") else ""
        path = Path(bpy.path.abspath(chosen)) if chosen else timeline.read_character(scene)
        if path is None:
            raise Refusal("No character is chosen. Select an image strip too, or choose a picture.")
        if not path.is_file():
            raise Refusal(f"There is no picture {path}. Choose another.")
        return path

    def _passes(self, scene: bpy.types.Scene) -> dict[str, Path]:
        folder = self._option(scene, "passes_folder")
        files = {name: self._option(scene, name) for name in ("matte", "keypoints", "pose", "face_boxes")}
        return passes.gather(
            Path(bpy.path.abspath(folder)) if folder else None,
            {name: Path(bpy.path.abspath(path)) for name, path in files.items() if path},
        )

    def _option(self, scene: bpy.types.Scene, name: str) -> Any:
        return getattr(self if self.properties.is_property_set(name) else scene.understudy, name)


class UNDERSTUDY_OT_replace(SwapOperator, bpy.types.Operator):
    bl_idname = "understudy.replace"
    bl_label = "Replace"
    bl_description = "Put the character in the place of the person in the selected movie strip"
    mode = Mode.REPLACE


class UNDERSTUDY_OT_animate(SwapOperator, bpy.types.Operator):
    bl_idname = "understudy.animate"
    bl_label = "Animate"
    bl_description = "Let the character's picture perform the motion of the selected movie strip"
    mode = Mode.ANIMATE


class UNDERSTUDY_OT_cancel(bpy.types.Operator):
    bl_idname = "understudy.cancel"
    bl_label = "Cancel"
    bl_description = "Stop this job and keep its finished frames; a job that has ended leaves the list"

    uid: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        swap = session.swaps.get(self.uid)
        if swap is None:
            self.report({"ERROR"}, "This job is not in the list any more.")
            return {"CANCELLED"}
        if swap.outcome is None:
            swap.cancel()
        else:
            del session.swaps[self.uid]
        return {"FINISHED"}


class UNDERSTUDY_OT_ask_server(bpy.types.Operator):
    bl_idname = "understudy.ask_server"
    bl_label = "Ask Server"
    bl_description = "See whether the server answers, and start it if it may be started"

    def execute(self, context: bpy.types.Context) -> set[str]:
        choice = server_choice(context)
        session.about = server.About("Asking…")

        def ask(post: Post) -> Done:
            try:
                about = server.describe(choice)
            except UnderstudyError as error:
                about = server.About(error.message)
            return lambda: setattr(session, "about", about)

        session.errands.begin(ask, "ask")
        pump.start_timer()
        return {"FINISHED"}


CLASSES = (
    UNDERSTUDY_PG_options,
    UNDERSTUDY_OT_replace,
    UNDERSTUDY_OT_animate,
    UNDERSTUDY_OT_cancel,
    UNDERSTUDY_OT_ask_server,
)
_register_classes, _unregister_classes = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    _register_classes()
    bpy.types.Scene.understudy = PointerProperty(type=UNDERSTUDY_PG_options)


def unregister() -> None:
    del bpy.types.Scene.understudy
    _unregister_classes()
