# mypy: ignore-errors
"""Rigify's human metarig with a plain body waves before the scene's camera; the Understudy tab is open. Runs inside
Blender."""

import importlib
import math
import sys

import addon_utils
import bpy
from mathutils import Vector

sys.path.insert(0, "/mnt/host")
import scene as window

FRAMES = 49
THICK = {"spine": 0.13, "shoulder": 0.06, "upper_arm": 0.05, "forearm": 0.04, "hand": 0.035, "thigh": 0.08}
THICK |= {"shin": 0.055, "foot": 0.045, "toe": 0.04, "pelvis": 0.08, "spine.006": 0.1}


def performer():
    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    rig = bpy.context.object
    rig.name = "Hero"
    rig.show_in_front = True
    body(rig)
    for bone, frames in MOTION.items():
        pose = rig.pose.bones[bone]
        pose.rotation_mode = "XYZ"
        for frame, angles in frames:
            pose.rotation_euler = [math.radians(angle) for angle in angles]
            pose.keyframe_insert("rotation_euler", frame=frame)
    return rig


MOTION = {  # degrees, about the bones' own axes
    "upper_arm.L": ((1, (0, 0, -20)), (13, (10, 0, 60)), (37, (10, 0, 60)), (49, (0, 0, -20))),
    "forearm.L": (
        (1, (0, 0, 0)),
        (13, (0, 0, 30)),
        (19, (0, 0, 80)),
        (25, (0, 0, 30)),
        (31, (0, 0, 80)),
        (49, (0, 0, 0)),
    ),
    "upper_arm.R": ((1, (0, 0, 30)), (25, (10, 0, 40)), (49, (0, 0, 30))),
    "forearm.R": ((1, (10, 0, 0)), (25, (50, 0, -20)), (49, (10, 0, 0))),
    "thigh.L": ((1, (-15, 0, 0)), (25, (5, 0, -8)), (49, (-15, 0, 0))),
    "shin.L": ((1, (20, 0, 0)), (25, (5, 0, 0)), (49, (20, 0, 0))),
    "thigh.R": ((1, (5, 0, 8)), (25, (-20, 0, 8)), (49, (5, 0, 8))),
    "shin.R": ((1, (5, 0, 0)), (25, (25, 0, 0)), (49, (5, 0, 0))),
    "spine.006": ((1, (0, 15, 0)), (25, (0, -15, 6)), (49, (0, 15, 0))),
}


def body(rig):
    """A capsule for each bone that has flesh."""
    for bone in rig.data.bones:
        stem = bone.name if bone.name in THICK else bone.name.split(".")[0]
        if stem not in THICK:
            continue
        length = (bone.tail_local - bone.head_local).length
        bpy.ops.mesh.primitive_uv_sphere_add(segments=24, ring_count=12)
        part = bpy.context.object
        part.data.transform(part.matrix_world.inverted())
        for vertex in part.data.vertices:
            side, along = THICK[stem], vertex.co.z
            vertex.co = Vector((vertex.co.x * side, along * (length / 2 + side * 0.5), vertex.co.y * side))
        bpy.ops.object.shade_smooth()
        part.parent, part.parent_type, part.parent_bone = rig, "BONE", bone.name
        part.location = (0, -length / 2, 0)
        part.hide_select = True


def stage():
    scene = bpy.context.window.scene
    for thing in [each for each in bpy.data.objects if each.type != "CAMERA"]:
        bpy.data.objects.remove(thing)
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.render.resolution_x, scene.render.resolution_y = 640, 640
    scene.frame_start, scene.frame_end = 1, FRAMES
    if scene.camera is None:
        scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(scene.camera)
    scene.camera.location, scene.camera.rotation_euler = (0.9, -4.6, 1.25), (math.radians(86), 0, 0.2)
    scene.camera.data.lens = 62
    bpy.context.view_layer.objects.active = performer()
    editor = scene.sequence_editor_create()
    strips = window.strips_of(editor)
    for strip in list(strips):
        strips.remove(strip)
    picture = strips.new_image("character", str(window.HOST / "demo/character.png"), 1, 1)
    picture.frame_final_duration = FRAMES
    picture.mute = picture.select = True
    scene.view_settings.view_transform = "Standard"
    scene.understudy_rig = bpy.data.objects["Hero"]
    layout(scene)


def layout(scene):
    """Where files are chosen, the camera's view; and the tab on the rig's panel."""
    scene.frame_set(19)
    show_panel()
    for area in bpy.context.window_manager.windows[0].screen.areas:
        if area.type in ("FILE_BROWSER", "PROPERTIES"):
            area.type = "VIEW_3D"
            space = area.spaces.active
            space.region_3d.view_perspective = "CAMERA"
            space.region_3d.view_camera_zoom = 12
            space.show_gizmo = False
            space.overlay.show_floor = space.overlay.show_axis_x = space.overlay.show_axis_y = False
            space.overlay.show_cursor = space.overlay.show_text = False
            space.shading.type = "SOLID"
            break


def show_panel():
    """The rig's panel open, and others that would push it out of sight away."""
    panel = importlib.import_module(f"{window.EXTENSION}.panel.rig").UNDERSTUDY_PT_rig
    for each in (panel, *(getattr(bpy.types, f"UNDERSTUDY_PT_{name}") for name in ("passes", "advanced"))):
        bpy.utils.unregister_class(each)
    panel.bl_options = set()
    bpy.utils.register_class(panel)


if __name__ == "__main__":
    window.fill = lambda scene: stage()
    window.begin(lambda: window.time_steps(bpy.ops.understudy.drive_by_rig, "driven.json"))
