# mypy: ignore-errors
"""Begins a job, saves and ends before it is finished. Runs inside Blender."""

import importlib
import sys
import time

import bpy

sys.path.insert(0, "/mnt/host")

import scene as window

window.fill(bpy.context.scene)
bpy.ops.wm.save_as_mainfile(filepath=str(window.HOST / "shot.blend"))
character = str(window.HOST / "demo/character.png")
bpy.ops.understudy.replace(filepath=character, passes_folder=str(window.HOST / "demo/passes"), wait=False)
pump = importlib.import_module(f"{window.EXTENSION}.pump")
while not pump.newest().job:
    pump.pump()
    time.sleep(0.1)
bpy.ops.wm.save_mainfile()
