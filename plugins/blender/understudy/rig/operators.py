# SPDX-License-Identifier: GPL-3.0-or-later
"""Drive by Rig: writes what an armature does as keypoints, and shows the skeleton."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy
from bpy.props import PointerProperty, StringProperty

from .. import added_strips, carried, compat
from ..png import encode_png
from ..png_movie import PngMovie
from ..ranges import Refusal
from ..stepwise import Stepwise, Waiting
from .camera import frame_size
from .drawing import draw, on_black
from .keypoint_file import write_keypoints, write_no_faces
from .sampling import Rig, Rows, read_rig, sampled, stepped
from .source import Driven, driven, refuse_other_shape

TOLD = 4  # names of missing joints


class UNDERSTUDY_OT_drive_by_rig(Stepwise, bpy.types.Operator):
    bl_idname = "understudy.drive_by_rig"
    bl_label = "Drive by Rig"
    bl_description = (
        "Let an armature perform: its joints, seen through the scene's camera, become the keypoints of the selected "
        "movie or scene strip. With no strip selected, a movie of the skeleton is added for Animate to follow"
    )

    armature: StringProperty(
        name="Armature", description="Its name; empty: the one that is chosen in the panel, or the active one"
    )

    def steps(self, context: bpy.types.Context) -> Iterator[float]:
        work = driven(context)
        refuse_other_shape(work)
        rig = read_rig(_armature(context, work.stage, self.armature))
        scene = compat.sequencer_scene(context) or context.scene
        folder = carried.new_folder()
        try:
            rows = yield from _watched(rig, work, context, folder)
        except BaseException:  # also when the artist stops it
            carried.discard(folder)
            raise
        _hand_over(scene, rig, work, rows, folder)
        self._tell(rig, rows)

    def _tell(self, rig: Rig, rows: list[Rows]) -> None:
        said = f"'{rig.armature.name}' drives {len(rows)} frames, by bones named as {rig.bones.family}'s"
        if missing := rig.bones.missing:
            more = " …" if missing[TOLD:] else ""
            self.report({"WARNING"}, f"{said}. Not found: {', '.join(missing[:TOLD])}{more}")
        else:
            self.report({"INFO"}, said)


def _armature(context: bpy.types.Context, stage: bpy.types.Scene, name: str) -> bpy.types.Object:
    if name:
        found = stage.objects.get(name)
        if found is None or found.type != "ARMATURE":
            raise Refusal(f"There is no armature '{name}' in the scene '{stage.name}'. Choose another.")
        return found
    active = context.view_layer.objects.active
    for candidate in (context.scene.understudy_rig, stage.understudy_rig, active):
        if candidate and candidate.type == "ARMATURE" and candidate.name in stage.objects:
            return candidate
    found = [each for each in stage.objects if each.type == "ARMATURE"]
    if len(found) != 1:
        how_many = f"{len(found)} armatures" if found else "no armature"
        raise Refusal(f"There is {how_many} in the scene '{stage.name}'. Choose the one that performs.")
    return found[0]


def _watched(rig: Rig, work: Driven, context: bpy.types.Context, folder: Path) -> Iterator[float]:
    """Looks at the frames, while a thread writes the movie of the skeleton; returns the frames' rows."""
    rows: list[Rows] = []
    drawn: list[Future[None]] = []
    render, size = work.stage.render, frame_size(work.stage)
    layer = context.view_layer.name if work.stage == context.scene else work.stage.view_layers[0].name
    with ExitStack() as open_things:
        movie = open_things.enter_context(PngMovie(folder / "skeleton.avi", size, rate_of(render)))
        drawing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="understudy-skeleton")
        open_things.callback(drawing.shutdown, cancel_futures=True)
        copy = open_things.enter_context(stepped(work.stage))
        yield 0.0
        for frame in sampled(rig, copy, layer, work.frames):
            if frame is not None:
                rows.append(frame)
                drawn.append(drawing.submit(_draw, movie, frame, size, over_clip=work.strip is not None))
            yield 0.9 * len(rows) / len(work.frames)
        while not all(each.done() for each in drawn):
            yield Waiting(0.9 + 0.1 * movie.frames / len(rows))
        for each in drawn:
            each.result()
    return rows


def _draw(movie: PngMovie, rows: Rows, size: tuple[int, int], *, over_clip: bool) -> None:
    drawn = draw(rows, size)
    movie.add(encode_png(drawn if over_clip else on_black(drawn)))


def rate_of(render: bpy.types.RenderSettings) -> tuple[int, int]:
    """Frames and seconds, as whole numbers: 24000 and 1001."""
    rate = render.fps / Fraction(render.fps_base).limit_denominator(10_000)
    return rate.numerator, rate.denominator


def _hand_over(scene: bpy.types.Scene, rig: Rig, work: Driven, rows: list[Rows], folder: Path) -> None:
    """The strip that is driven gets its passes, and the skeleton is shown."""
    size, rate = frame_size(work.stage), rate_of(work.stage.render)
    keypoints = folder / "keypoints.json"
    write_keypoints(keypoints, rows, size, rate)
    name, count = f"{rig.armature.name} skeleton", len(rows)
    strip, above = work.strip, work.strip.channel if work.strip else 0
    if strip:
        carried.drop(strip, "face_boxes")
        added_strips.remove_made(scene, added_strips.source_uid(strip))
    shown = added_strips.add_movie(
        scene, folder / "skeleton.avi", name, start=work.start, frames=count, shown=work.shown, above=above
    )
    if strip:
        added_strips.mark(shown, added_strips.source_uid(strip))
    else:
        strip = shown  # the movie of the skeleton is the clip; what it shows is no face
        write_no_faces(folder / "face_boxes.json", count, size)
        carried.carry(strip, "face_boxes", folder / "face_boxes.json", work.content)
        _choose(scene, strip)
    carried.carry(strip, "keypoints", keypoints, work.content)


def _choose(scene: bpy.types.Scene, strip: Any) -> None:
    strip.select = True
    scene.sequence_editor.active_strip = strip


class UNDERSTUDY_OT_drop_pass(bpy.types.Operator):
    bl_idname = "understudy.drop_pass"
    bl_label = "Take Off"
    bl_description = "The strip does not carry this any more: it is found in the clip again"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    name: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        editor = compat.sequencer_scene(context).sequence_editor
        if editor is None or editor.active_strip is None:
            self.report({"ERROR"}, "No strip is active. Click the one that carries it.")
            return {"CANCELLED"}
        carried.drop(editor.active_strip, self.name)
        return {"FINISHED"}


def _is_armature(_: Any, candidate: bpy.types.Object) -> bool:
    return bool(candidate.type == "ARMATURE")


_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    (UNDERSTUDY_OT_drive_by_rig, UNDERSTUDY_OT_drop_pass)
)


def register() -> None:
    _register_classes()
    bpy.types.Scene.understudy_rig = PointerProperty(
        type=bpy.types.Object,
        name="Armature",
        description="Who performs; empty: the active armature, or the only one in the scene",
        poll=_is_armature,
    )


def unregister() -> None:
    del bpy.types.Scene.understudy_rig
    _unregister_classes()
