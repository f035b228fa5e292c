# mypy: ignore-errors
"""Replaces twice, and waits at each stage until a picture was taken of it. Runs inside Blender."""

import importlib
import os
import sys
from pathlib import Path

import bpy

HOST = Path("/mnt/host")
sys.path.insert(0, str(HOST))

import scene as window  # noqa: E402

EXTENSION = window.EXTENSION


def module(name):
    return importlib.import_module(f"{EXTENSION}.{name}")


def replace(seed):
    bpy.ops.understudy.replace(
        filepath=str(HOST / "demo/character.png"),
        passes_folder=str(HOST / "demo/passes"),
        seed=seed,
        steps=int(os.environ.get("STEPS", "0")),
    )
    return list(module("session").session.swaps.values())[-1]


def stages():
    swap = replace(1)
    yield "begun", lambda: swap.preview
    yield "half", lambda: len(swap.made) >= swap.frames // 3
    yield "late", lambda: len(swap.made) >= swap.frames * 3 // 4
    yield "finished", lambda: swap.outcome
    again = replace(2)
    yield "second", lambda: len(again.made) >= again.frames // 3
    yield "versions", lambda: again.outcome
    open_versions()
    yield "opened", lambda: True


def open_versions():
    """As Tab does."""
    editor = bpy.context.window_manager.windows[0].scene.sequence_editor
    editor.display_stack(next(strip for strip in window.strips_of(editor) if strip.type == "META"))
    look_at_all()


def look_at_all():
    """Zooms the timeline to its strips."""
    for shown, area in window.areas():
        if area.spaces[0].view_type != "PREVIEW":
            region = next(each for each in area.regions if each.type == "WINDOW")
            with bpy.context.temp_override(window=shown, area=area, region=region):
                bpy.ops.sequencer.view_all()


def run():
    look_at_all()
    bpy.context.window_manager.windows[0].scene.frame_current = 36  # a frame that is made late
    walk = stages()
    now = []

    def step():
        if not now:
            now[:] = [next(walk, None)]
            if now[0] is None:
                return None
        name, reached = now[0]
        if (HOST / f"seen_{name}").exists():
            now.clear()
        elif reached():
            (HOST / f"at_{name}").touch()
        return 0.1

    bpy.app.timers.register(step, first_interval=0.5)


window.begin(run)
