# mypy: ignore-errors
"""Replaces twice, and waits at each stage until a picture was taken of it. Runs inside Blender."""

import importlib
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
        filepath=str(HOST / "demo/character.png"), passes_folder=str(HOST / "demo/passes"), seed=seed
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


def run():
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
