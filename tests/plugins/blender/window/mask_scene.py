# mypy: ignore-errors
"""The demo's clip with a mask strip over it, both selected, to be made its matte. Runs inside Blender."""

import sys

import bpy

sys.path.insert(0, "/mnt/host")
import scene as window


def draw_mask():
    scene = bpy.context.window_manager.windows[0].scene
    mask = bpy.data.masks.new("Roto")
    mask.frame_start, mask.frame_end = 1, scene.frame_end
    spline = mask.layers.new(name="Shape").splines.new()
    spline.use_cyclic = True
    spline.points.add(3)
    for point, place in zip(spline.points, ((0.3, 0.1), (0.3, 0.9), (0.7, 0.9), (0.7, 0.1)), strict=True):
        point.co = point.handle_left = point.handle_right = place
    over = window.strips_of(scene.sequence_editor).new_mask("Roto", mask, 3, 1)
    over.select = True
    window.time_steps(bpy.ops.understudy.use_mask, "masked.json")


window.begin(draw_mask)
