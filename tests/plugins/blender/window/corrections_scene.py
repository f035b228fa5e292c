# mypy: ignore-errors
"""The demo's clip, whose points are then opened to be corrected. Runs inside Blender."""

import sys

import bpy

sys.path.insert(0, "/mnt/host")
import scene as window


def press():
    if not (window.HOST / "go").exists():
        return 0.2
    (window.HOST / "go").unlink()
    bpy.ops.understudy.correct_pose()
    bpy.app.timers.register(opened, first_interval=0.5)
    return None


def opened():
    """Says when the window of the points is there, with a wrist selected, ready to be moved."""
    if len(bpy.context.window_manager.windows) == 1:
        return 0.5
    points = bpy.context.window_manager.windows[-1].scene
    wrist = points.objects["left_wrist"]
    wrist.select_set(True, view_layer=points.view_layers[0])
    points.view_layers[0].objects.active = wrist
    points.frame_set(20)
    (window.HOST / "opened").touch()
    return None


if __name__ == "__main__":
    window.begin(lambda: bpy.app.timers.register(press, first_interval=0.5))
