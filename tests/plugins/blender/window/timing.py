# mypy: ignore-errors
"""Measures how long the extension holds the window up: each drawing of its panels, each tick of its timer, each
handler. Writes /mnt/host/timing.json whenever Blender has been idle for a second. Runs inside Blender."""

import importlib
import json
import statistics
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, "/mnt/host")
import scene

spent: dict[str, list[float]] = {}


def timed(owner, name, label):
    inner = getattr(owner, name)

    def call(*given):
        begun, worked = time.perf_counter(), time.thread_time()
        try:
            return inner(*given)
        finally:
            spent.setdefault(label, []).append(1000 * (time.perf_counter() - begun))
            spent.setdefault(f"{label}, CPU alone", []).append(1000 * (time.thread_time() - worked))

    # Blender gives a panel's draw as many arguments as it names.
    setattr(owner, name, (lambda self, context: call(self, context)) if name == "draw" else call)


def watch():
    for name in ("swap", "jobs", "cast", "advanced", "passes"):
        module = importlib.import_module(
            f"{scene.EXTENSION}.panel.{'advanced' if name == 'passes' else name}"
        )
        timed(getattr(module, f"UNDERSTUDY_PT_{name}"), "draw", f"panel {name}")
    timed(importlib.import_module(f"{scene.EXTENSION}.pump"), "pump", "timer tick")
    overlay = importlib.import_module(f"{scene.EXTENSION}.overlay")
    overlay.unregister()  # which was registered with the functions as they were
    for name in ("_draw_timeline", "_draw_preview"):
        timed(overlay, name, name.strip("_").replace("_", " "))
    overlay.register()


def longest(each):
    return sorted(((one, number) for number, one in enumerate(each, 1)), reverse=True)[:5]


def write():
    rows = {
        label: {
            "count": len(each),
            "median_ms": round(statistics.median(each), 2),
            "longest_ms": round(max(each), 2),
            "over_20_ms": sum(one > 20 for one in each),
            "longest_five": [f"{one:.1f} ms, number {number}" for one, number in longest(each)],
        }
        for label, each in sorted(spent.items())
    }
    Path("/mnt/host/timing.json").write_text(json.dumps(rows, indent=1))
    return 1.0


watch()
bpy.app.timers.register(write, first_interval=1.0, persistent=True)
scene.begin()
