# SPDX-License-Identifier: GPL-3.0-or-later
"""Correct Pose, Correct Matte, and sending what was put right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty

from .. import added_strips, carried, compat, options, pump, timeline
from ..errands import Done
from ..operators.refusing import NeedsSequencer, refuse
from ..preferences import server_choice
from ..ranges import ClipRange, Refusal
from ..rig.operators import rate_of
from ..server import ServerChoice
from . import asking, matte_strip, painted, painting, pose_scene, window
from .state import begin, state


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """The strip whose analysis is meant, in plain values, for threads and later looks."""

    wanted: asking.Wanted
    strip: str  # its uid
    first: int  # the timeline frame of the clip's first
    playhead: int  # timeline frame
    size: tuple[int, int]
    rate: tuple[int, int]


def _shot(context: bpy.types.Context) -> Shot:
    scene = compat.sequencer_scene(context)
    source = timeline.read_source(scene, scene.understudy.handles)
    strip = timeline.source_strip(scene)
    if source.render:
        raise Refusal(
            f"'{strip.name}' does not show one frame of a movie after the other. Render it, and correct that movie."
        )
    picture = strip.elements[0]
    return Shot(
        wanted=asking.Wanted(
            clip=source.clip, frames=source.asked, people=options.names_of(scene.understudy.person)
        ),
        strip=added_strips.source_uid(strip),
        first=source.placement.start - source.frames.start,
        playhead=scene.frame_current,
        size=(picture.orig_width, picture.orig_height),
        rate=rate_of(scene.render),
    )


class Correcting(NeedsSequencer):
    """Asks the server on a thread; in background mode it returns when that is done."""

    bl_options: ClassVar[set[str]] = {"REGISTER"}  # what comes later pushes its own undo step

    wait: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls: Any, context: bpy.types.Context) -> bool:
        if state.busy:
            cls.poll_message_set("Wait until the server has answered")
            return False
        return bool(super().poll(context))

    def execute(self: Any, context: bpy.types.Context) -> set[str]:
        try:
            self.start(context, server_choice(context))
        except Refusal as refusal:
            return refuse(self, refusal)
        if not bpy.app.background:
            pump.start_timer()
            return {"FINISHED"}
        if self.wait:
            while state.busy:
                pump.pump()
                time.sleep(0.01)
            if state.failed:
                self.report({"ERROR"}, state.text)
                return {"CANCELLED"}
        return {"FINISHED"}


class UNDERSTUDY_OT_correct_pose(Correcting, bpy.types.Operator):
    bl_idname = "understudy.correct_pose"
    bl_label = "Correct Pose"
    bl_description = (
        "Find the performer's joints in the selected clip, and open them in a window over the clip: move them where "
        "they are wrong, then press Send. Frames beside a corrected one follow by themselves"
    )

    def start(self, context: bpy.types.Context, choice: ServerChoice) -> None:
        shot = _shot(context)

        def work(say: asking.Say) -> Done:
            analysis, found = asking.find_points(choice, shot.wanted, say)
            return lambda: _show_points(shot, analysis, found)

        begin("points", work)


def _show_points(shot: Shot, analysis: str, found: dict[int, list[asking.Row]]) -> Iterator[None]:
    frames = shot.wanted.frames
    facts = pose_scene.Facts(
        analysis=analysis,
        strip=shot.strip,
        clip=str(shot.wanted.clip),
        size=shot.size,
        rate=shot.rate,
        first=shot.first,
        start=frames.start,
        end=frames.end,
    )
    for scene in [scene for scene in bpy.data.scenes if _is_of(scene, shot.strip)]:
        pose_scene.remove(scene)
    scene = yield from pose_scene.built(facts, found)
    scene.frame_set(min(max(shot.playhead, scene.frame_start), scene.frame_end))
    state.text = f"The points are in the scene '{scene.name}'"
    timeline.push_undo("Correct Pose")
    if not bpy.app.background:
        window.show(scene)


def _is_of(scene: bpy.types.Scene, strip: str) -> bool:
    facts = pose_scene.Facts.of(scene)
    return facts is not None and facts.strip == strip


class UNDERSTUDY_OT_correct_matte(Correcting, bpy.types.Operator):
    bl_idname = "understudy.correct_matte"
    bl_label = "Correct Matte"
    bl_description = (
        "Find the performer's matte in the selected clip, and put it above the clip as a strip of pictures. Paint over "
        "those that are wrong, in Blender or anywhere else, save them in place, then press Send"
    )

    def start(self, context: bpy.types.Context, choice: ServerChoice) -> None:
        shot, folder = _shot(context), carried.new_folder()

        def work(say: asking.Say) -> Done:
            analysis = asking.find_mattes(choice, shot.wanted, folder, say)
            painted.remember(folder)
            return lambda: _show_mattes(shot, analysis, folder)

        begin("mattes", work)


def _show_mattes(shot: Shot, analysis: str, folder: Path) -> None:
    found = added_strips.find_source(shot.strip)
    if found is None:
        state.fail("The clip's strip is gone. Its matte was not put anywhere.")
        return
    frames = shot.wanted.frames
    facts = matte_strip.Facts(
        analysis=analysis, strip=shot.strip, start=frames.start, end=frames.end, size=shot.size
    )
    try:
        matte_strip.insert(*found, folder, facts, shot.first)
    except Refusal as refusal:
        state.fail(str(refusal))
        return
    state.text = "Go to a frame that is wrong, press Paint, and then Send"
    timeline.push_undo("Correct Matte")


class UNDERSTUDY_OT_send_corrections(Correcting, bpy.types.Operator):
    bl_idname = "understudy.send_corrections"
    bl_label = "Send"
    bl_description = (
        "Tell the server what was moved or painted. The strip carries what comes of it, "
        "and its next job uses it"
    )

    @classmethod
    def poll(cls: Any, context: bpy.types.Context) -> bool:
        """Also in the window of the points, where no sequencer is."""
        return not state.busy

    def start(self, context: bpy.types.Context, choice: ServerChoice) -> None:
        scene = context.scene
        facts = pose_scene.Facts.of(scene)
        if facts:
            _send_points(choice, scene, facts)
        else:
            _send_mattes(choice, compat.sequencer_scene(context))


def _send_points(choice: ServerChoice, scene: bpy.types.Scene, facts: pose_scene.Facts) -> None:
    changes = asking.Changes(points=pose_scene.corrections(scene))
    if not changes.points:
        raise Refusal("No point was moved. Move one where it is wrong, then send.")
    name = scene.name

    def settle() -> None:
        if name in bpy.data.scenes:
            pose_scene.settle(bpy.data.scenes[name])

    _send(choice, facts.analysis, changes, facts.strip, ClipRange(facts.start, facts.end), settle)


def _send_mattes(choice: ServerChoice, scene: bpy.types.Scene) -> None:
    strip = matte_strip.meant(scene)
    facts, folder = matte_strip.facts(strip), matte_strip.folder(strip)
    painting.save(folder)
    changes = asking.Changes(mattes=matte_strip.painted_frames(strip))
    if not changes.mattes:
        raise Refusal(f"No picture in {folder} was changed. Paint over one and save it, then send.")
    _send(choice, facts.analysis, changes, facts.strip, facts.frames, lambda: painted.remember(folder))


def _send(
    choice: ServerChoice,
    analysis: str,
    changes: asking.Changes,
    strip: str,
    frames: ClipRange,
    settle: Callable[[], None],
) -> None:
    """Sends *changes*; the strip *strip* carries what is made of them."""
    folder = carried.new_folder()
    count = len(changes.points) + len(changes.mattes)

    def arrive(made: dict[str, Path]) -> None:
        settle()
        found = added_strips.find_source(strip)
        if found is None:
            state.fail("The clip's strip is gone; the server keeps what was put right.")
            return
        for name, path in made.items():
            carried.carry(found[1], name, path, frames)
        state.text = f"{count} {'correction is' if count == 1 else 'corrections are'} in the strip's next job"
        timeline.push_undo("Send Corrections")

    def work(say: asking.Say) -> Done:
        made = asking.send(choice, analysis, changes, folder, say)
        return lambda: arrive(made)

    begin("corrections", work)


_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    (UNDERSTUDY_OT_correct_pose, UNDERSTUDY_OT_correct_matte, UNDERSTUDY_OT_send_corrections)
)


@bpy.app.handlers.persistent
def _before_load(*_: object) -> None:
    state.leave()


def register() -> None:
    _register_classes()
    state.changed = window.redraw
    bpy.app.handlers.load_pre.append(_before_load)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_before_load)
    _unregister_classes()
