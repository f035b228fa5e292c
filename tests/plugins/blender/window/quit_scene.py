# mypy: ignore-errors
"""Begins a job, says when it is half made, and quits when it is told to. Runs inside Blender."""

import importlib
import sys

import bpy

sys.path.insert(0, "/mnt/host")
import scene as window


def begin():
    bpy.ops.wm.save_as_mainfile(filepath=str(window.HOST / "shot.blend"))
    character = str(window.HOST / "demo/character.png")
    bpy.ops.understudy.replace(filepath=character, passes_folder=str(window.HOST / "demo/passes"))
    bpy.ops.wm.save_mainfile()
    bpy.app.timers.register(look, first_interval=0.1)


def look():
    swap = importlib.import_module(f"{window.EXTENSION}.pump").newest()
    if swap.made:
        (window.HOST / "half").touch()
    if (window.HOST / "quit").exists():
        (window.HOST / "quit").unlink()
        bpy.ops.wm.quit_blender()
        return None
    return 0.1


window.begin(begin)
