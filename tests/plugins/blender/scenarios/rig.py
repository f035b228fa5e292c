"""An armature in the scene becomes the performer's keypoints."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import json
import math
import resource
import signal
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view

from tests.plugins.blender.rig.skeletons import Bones, mixamo, rigify

from . import stage
from .paper import Paper

FRAMES = range(5, 13)
JOINTS = {  # point -> the bone of Mixamo's that begins there
    **{
        f"{side}_{joint}": f"mixamorig:{side.capitalize()}{bone}"
        for side in ("left", "right")
        for joint, bone in (
            ("shoulder", "Arm"), ("elbow", "ForeArm"), ("wrist", "Hand"), ("hip", "UpLeg"), ("knee", "Leg"),
            ("ankle", "Foot"), ("hand_root", "Hand"), ("forefinger1", "HandIndex1"), ("pinky_finger3", "HandPinky3"),
        )
    },
}  # fmt: skip


def armature(bones: Bones | None = None, name: str = "Hero") -> Any:
    """An armature with these bones, standing in the scene, active."""
    data = bpy.data.armatures.new(name)
    found = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(found)
    bpy.context.view_layer.objects.active = found
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, (head, tail) in (bones or mixamo()).items():
        made = data.edit_bones.new(bone)
        made.head, made.tail = head, tail
    _parent(data.edit_bones)
    bpy.ops.object.mode_set(mode="OBJECT")
    return found


def _parent(bones: Any) -> None:
    """Hands follow forearms, and these the arms."""
    for side in ("Left", "Right"):
        for child, parent in (("ForeArm", "Arm"), ("Hand", "ForeArm"), ("Leg", "UpLeg"), ("Foot", "Leg")):
            named = [bones.get(f"mixamorig:{side}{bone}") for bone in (child, parent)]
            if all(named):
                named[0].parent = named[1]


def wave(rig: Any) -> None:
    """Keys: the left arm goes up while the whole rig walks and turns."""
    bone = rig.pose.bones["mixamorig:LeftArm"]
    bone.rotation_mode = "XYZ"
    for frame, angle in ((FRAMES[0], 0.0), (FRAMES[-1], 1.2)):
        bone.rotation_euler = (angle, 0.3, angle / 2)
        bone.keyframe_insert("rotation_euler", frame=frame)
        rig.location, rig.rotation_euler = (angle / 3, 0, 0), (0, 0, angle / 2)
        rig.keyframe_insert("location", frame=frame)
        rig.keyframe_insert("rotation_euler", frame=frame)


def camera(distance: float = 4.0, **data: Any) -> Any:
    found = bpy.context.scene.camera
    found.location, found.rotation_euler = (0.3, -distance, 1.2), (math.radians(88), 0, 0.05)
    for name, value in data.items():
        setattr(found.data, name, value)
    return found


def scene() -> Any:
    """A scene of an armature that waves in front of the camera, without strips."""
    found = stage.scene()
    for thing in [each for each in bpy.data.objects if each.type == "MESH"]:
        bpy.data.objects.remove(thing)
    found.frame_start, found.frame_end = FRAMES[0], FRAMES[-1]
    camera()
    wave(armature())
    return found


def keypoints(strip: Any) -> dict[str, Any]:
    carried = stage.module("carried").passes_of(strip)["keypoints"]
    document: dict[str, Any] = json.loads(carried.path.read_text("utf-8"))
    return document


def point(document: dict[str, Any], frame: int, name: str) -> list[float]:
    row: list[float] = document["frames"][frame][stage.module("rig.points").NUMBER[name]]
    return row


def projected(bone: str, frame: int) -> tuple[float, float]:
    """Where Blender itself puts the beginning of a bone in the picture."""
    found = bpy.context.scene
    found.frame_set(frame)
    rig = bpy.data.objects["Hero"].evaluated_get(bpy.context.evaluated_depsgraph_get())
    seen = world_to_camera_view(found, found.camera, rig.matrix_world @ rig.pose.bones[bone].head)
    return seen.x * found.render.resolution_x, (1 - seen.y) * found.render.resolution_y


def check(document: dict[str, Any], first: int) -> None:
    """Every joint lies within a tenth of a pixel of its projected bone, in every frame."""
    for frame in range(len(document["frames"])):
        for name, bone in JOINTS.items():
            x, y, score = point(document, frame, name)
            assert math.dist((x, y), projected(bone, first + frame)) < 0.1, (frame, name)
            assert score == (1.0 if 0 <= x < document["width"] and 0 <= y < document["height"] else 0.3)


def paper(name: str) -> Paper:
    """What one of the panels draws that make passes."""
    found = Paper()
    preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))
    context = SimpleNamespace(
        scene=bpy.context.scene, sequencer_scene=bpy.context.scene, preferences=preferences
    )
    context.region = SimpleNamespace(width=300)
    panel = getattr(stage.module(f"panel.{name}"), f"UNDERSTUDY_PT_{name}")
    panel.draw(SimpleNamespace(layout=found), context)
    return found


def scenario_a_rig_alone_becomes_the_clip_that_animate_follows() -> None:
    stage.enable()
    scene()
    picture = stage.hero()
    picture.select = False
    assert bpy.ops.understudy.drive_by_rig() == {"FINISHED"}
    strip = bpy.context.scene.sequence_editor.active_strip
    assert (strip.type, *stage.span(strip)) == ("MOVIE", FRAMES[0], FRAMES[-1] + 1)
    check(keypoints(strip), FRAMES[0])
    picture.select = True
    bpy.context.scene.understudy.passes_folder = ""
    assert bpy.ops.understudy.animate(steps=1) == {"FINISHED"}
    [swap] = stage.swaps()
    assert stage.span(stage.result(swap)) == stage.span(strip)
    with stage.client() as client:
        spec = client.job(swap.job).spec.animate
    assert spec.passes.keypoints
    assert spec.passes.face_boxes
    assert not spec.passes.matte


def scenario_a_movie_strip_is_driven_where_it_shows() -> None:
    stage.enable()
    scene()
    bpy.context.scene.render.fps = 24
    strip = stage.movie(start=3)
    strip.frame_offset_start, strip.frame_offset_end = 4, 12
    bpy.ops.understudy.drive_by_rig()
    carried = stage.module("carried").passes_of(strip)["keypoints"]
    assert tuple(carried.frames) == (4, 12)
    document = keypoints(strip)
    assert (len(document["frames"]), document["rate"]) == (8, [24, 1])
    check(document, strip.frame_final_start)
    shown = [each for each in stage.strips() if each.name == "Hero skeleton"]
    assert [stage.span(each) for each in shown] == [stage.span(strip)]
    assert paper("rig").has("Keypoints: 8 frames")
    bpy.context.scene.understudy.handles = 6
    bpy.ops.understudy.drive_by_rig()  # once more: the older skeleton goes
    assert [each.name for each in stage.strips()] == ["clip", "Hero skeleton"]
    assert tuple(stage.module("carried").passes_of(strip)["keypoints"].frames) == (0, 18)
    check(keypoints(strip), strip.frame_final_start - 4)
    [shown] = [each for each in stage.strips() if each.name == "Hero skeleton"]
    assert (stage.span(shown), shown.frame_offset_start, shown.frame_offset_end) == (stage.span(strip), 4, 6)


def scenario_inside_a_meta_strip_the_skeleton_lies_there_too() -> None:
    stage.enable()
    found = scene()
    strip = stage.movie(start=3)
    meta = stage.strips().new_meta("Meta", 5, 3)
    strip.move_to_meta(meta)
    meta.frame_final_end = 3 + stage.CLIP_FRAMES
    inside = stage.module("compat").strips(meta)
    stack = found.sequence_editor
    stack.display_stack(meta)
    for each in inside:
        each.select = True
    stack.active_strip = inside[0]
    for _ in range(2):
        assert bpy.ops.understudy.drive_by_rig() == {"FINISHED"}
    assert sorted(each.name for each in inside) == ["Hero skeleton", "clip"]


def scenario_a_job_gets_just_the_frames_that_its_strip_shows() -> None:
    stage.enable()
    scene()
    strip = stage.movie(start=3)
    bpy.ops.understudy.drive_by_rig()
    strip.frame_offset_start, strip.frame_offset_end = 2, 20
    bpy.context.scene.understudy.passes_folder = ""
    swap = stage.begin(filepath=str(stage.HERO), matte=str(stage.FOOTAGE / "passes" / "matte.png"), steps=1)
    stage.pump_until(lambda: swap.job)
    with stage.client() as client:
        spec = client.job(swap.job).spec.replace
        handed = client.media(spec.passes.keypoints)
    assert handed.display_name == "keypoints_2_4.json"
    whole = json.loads(stage.module("carried").passes_of(strip)["keypoints"].path.read_text("utf-8"))
    cut = next(stage.module("preferences").frames_folder().glob("passes/*/keypoints_2_4.json"))
    assert json.loads(cut.read_text("utf-8"))["frames"] == whole["frames"][2:4]


def scenario_a_scene_strip_is_driven_by_its_own_rig_and_rendered() -> None:
    stage.enable()
    set_up = scene()  # the stage; the sequencer is another scene's
    set_up.render.engine = "CYCLES"
    set_up.cycles.samples, set_up.cycles.device = 1, "CPU"
    sequence = bpy.data.scenes.new("Cut")
    sequence.render.fps = 24
    sequence.render.resolution_x, sequence.render.resolution_y = 64, 48
    window = bpy.context.window
    window.scene = sequence
    if hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = sequence
    strips = stage.module("compat").strips(sequence.sequence_editor_create())
    strip = strips.new_scene("Stage", set_up, 2, 101)
    strip.frame_offset_start, strip.frame_offset_end = 2, 3
    sequence.sequence_editor.active_strip = strip
    stage.select(strip)
    assert bpy.ops.understudy.drive_by_rig() == {"FINISHED"}
    document = keypoints(strip)
    assert len(document["frames"]) == strip.frame_final_duration == 3
    assert bpy.ops.understudy.animate(filepath=str(stage.HERO), steps=1) == {"FINISHED"}
    [swap] = stage.swaps()
    assert stage.span(stage.result(swap)) == stage.span(strip) == (103, 106)
    with stage.client() as client:
        assert client.job(swap.job).spec.animate.passes.keypoints
    window.scene = set_up
    check(document, FRAMES[0] + 2)


def scenario_a_strip_that_shows_more_than_was_driven_is_refused() -> None:
    stage.enable()
    scene()
    strip = stage.movie(start=3)
    strip.frame_offset_start = 6
    bpy.ops.understudy.drive_by_rig()
    strip.frame_offset_start = 2
    said = stage.refused(filepath=str(stage.HERO))
    assert "frames 6 to 23" in said, said
    assert "Make them again" in said


def scenario_the_artists_scene_stays_as_it_was() -> None:
    stage.enable()
    found = scene()
    found.frame_set(7)
    bone = bpy.data.objects["Hero"].pose.bones["mixamorig:RightArm"]
    posed = bpy.data.objects["Hero"].pose.bones["mixamorig:LeftArm"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler, posed.rotation_euler = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)  # no keys: not lost
    scenes = list(bpy.data.scenes)
    bpy.ops.understudy.drive_by_rig()
    assert found.frame_current == 7
    assert np.allclose((*bone.rotation_euler, *posed.rotation_euler), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    assert list(bpy.data.scenes) == scenes


def scenario_lens_shift_aspect_and_parallel_cameras_are_projected_as_blender_does() -> None:
    stage.enable()
    found = scene()
    sampling = stage.module("rig.sampling")
    rig = sampling.read_rig(bpy.data.objects["Hero"])
    for data in (
        {"shift_x": 0.2, "shift_y": -0.1, "lens": 24.0},
        {"sensor_fit": "VERTICAL", "sensor_height": 30.0},
        {"type": "ORTHO", "ortho_scale": 3.0},
    ):
        camera(**data)
        with sampling.stepped(found) as copy:
            [rows] = filter(None, sampling.sampled(rig, copy, "ViewLayer", [9]))
        check({"frames": [rows], "width": 64, "height": 48}, 9)


def wall(name: str, place: tuple[float, float, float], size: float) -> Any:
    """A square that faces the camera."""
    mesh = bpy.data.meshes.new(name)
    corners = [(x, 0, z) for x, z in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    mesh.from_pydata([tuple(size * value for value in corner) for corner in corners], [], [(0, 1, 2, 3)])
    found = bpy.data.objects.new(name, mesh)
    found.location = place
    bpy.context.scene.collection.objects.link(found)
    return found


def scores(*names: str) -> list[float]:
    sampling = stage.module("rig.sampling")
    numbers = stage.module("rig.points").NUMBER
    rig = sampling.read_rig(bpy.data.objects["Hero"])
    with sampling.stepped(bpy.context.scene) as copy:
        [rows] = filter(None, sampling.sampled(rig, copy, "ViewLayer", [FRAMES[0]]))
    return [rows[numbers[name]][2] for name in names]


def scenario_what_stands_before_a_joint_hides_it() -> None:
    stage.enable()
    scene()
    camera(distance=8.0)
    thing = wall("post", (0.7, -1.0, 1.4), 0.15)
    assert scores("left_wrist", "right_wrist", "left_hip") == [0.3, 1.0, 1.0]
    thing.hide_render = True  # what is not rendered hides nothing
    assert scores("left_wrist") == [1.0]
    thing.hide_render, thing.location = False, (0.7, 1.0, 1.4)  # behind
    assert scores("left_wrist") == [1.0]


def scenario_a_joint_is_not_hidden_by_its_own_skin_but_by_the_rest_of_the_body() -> None:
    stage.enable()
    scene()
    camera(distance=8.0)
    skin = wall("skin", (0, -0.08, 1.2), 1.0)
    skin.modifiers.new("Armature", "ARMATURE").object = bpy.data.objects["Hero"]
    assert scores("left_shoulder", "right_hip") == [1.0, 1.0]
    skin.location[1] = -0.5
    assert scores("left_shoulder", "right_hip") == [0.6, 0.6]


def scenario_a_full_disk_is_said_and_leaves_nothing_behind() -> None:
    stage.enable()
    scene()
    folder, strips = own_frames_folder(), len(stage.strips())
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    said = stage.reported(bpy.ops.understudy.drive_by_rig)
    assert said.startswith("A file cannot be written"), said
    assert (list(folder.glob("passes/*")), len(stage.strips()), len(bpy.data.scenes)) == ([], strips, 1)


def own_frames_folder() -> Path:
    """An empty one: others of the same Blender write into the usual one beside us."""
    stage.module("preferences").preferences(bpy.context).frames_folder = folder = tempfile.mkdtemp()
    return Path(folder)


def scenario_rigify_and_prefixed_names_are_known_and_others_refused() -> None:
    stage.enable()
    found = stage.scene()
    sampling = stage.module("rig.sampling")
    for bones, family in ((rigify(), "Rigify"), (rigify("DEF-"), "Rigify"), (mixamo("Hero_"), "Mixamo")):
        rig = sampling.read_rig(armature(bones))
        assert (rig.bones.family, rig.bones.missing) == (family, [])
    folder = own_frames_folder()
    dog = armature({"tail": ((0, 0, 0), (0, 0, 1)), "snout": ((0, 0, 1), (0, 0, 2))}, "Dog")
    said = stage.reported(bpy.ops.understudy.drive_by_rig, armature=dog.name)
    assert said.startswith("Of 'Dog' 0 of 12 joints"), said
    bpy.data.objects["Hero"].hide_viewport = True
    assert "disabled in viewports" in stage.reported(bpy.ops.understudy.drive_by_rig, armature="Hero")
    bpy.data.objects["Hero"].hide_viewport = False
    found.camera = None
    assert "has no camera" in stage.reported(bpy.ops.understudy.drive_by_rig, armature="Hero")
    assert "no armature 'Nobody'" in stage.reported(bpy.ops.understudy.drive_by_rig, armature="Nobody")
    assert not list(folder.glob("passes/*"))


def scenario_rigifys_own_metarig_gives_all_points_face_and_fingers_too() -> None:
    """What is generated from it has the same names behind DEF-; that takes seconds, and is told by names alone."""
    stage.enable()
    found = stage.scene()
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    meta = bpy.context.object
    found.camera.location, found.camera.rotation_euler = (0.2, -4.0, 1.4), (1.5, 0, 0.05)
    sampling, numbers = stage.module("rig.sampling"), stage.module("rig.points").NUMBER
    rig = sampling.read_rig(meta)
    assert (rig.bones.missing, len(rig.anchors)) == ([], 133)
    with sampling.stepped(found) as copy:
        [rows] = filter(None, sampling.sampled(rig, copy, "ViewLayer", [1]))
    bpy.context.view_layer.update()
    for name, bone in (
        ("face_8", "chin"), ("face_30", "nose.002"), ("face_36", "lid.T.R"), ("face_45", "lid.T.L"),
        ("left_ear", "ear.L"), ("right_forefinger2", "f_index.02.R"), ("left_knee", "shin.L"),
    ):  # fmt: skip
        seen = world_to_camera_view(found, found.camera, meta.matrix_world @ meta.pose.bones[bone].head)
        assert math.dist(rows[numbers[name]][:2], (seen.x * 64, (1 - seen.y) * 48)) < 0.1, name
