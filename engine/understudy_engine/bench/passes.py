"""understudy bench passes: how fast and how exactly passes are found, against the reference's way of working."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ..preprocess.nets import NetFolder
from ..training.studio.shot import (
    _one_thread,
)  # the studio is frozen: another name there would be another digest
from .found import FIRST_SEED, found_figures
from .page import write_between
from .pass_clip import write_clip
from .pass_ways import ENGINE, REFERENCE, Timed, timed

FIGURES, PAGE, MARKER = Path("benchmarks") / "passes.json", Path("benchmarks.md"), "<!-- passes -->"
LONGER = 2  # times the clip: memory must not grow with it
LEAST_FASTER = 1.3
ACCURACY_FRAMES = 17
PROVIDER = "CPUExecutionProvider"  # nano's own nets run nowhere else

Tell = Callable[[str], None]


def publish(
    docs: Path,
    *,
    frames: int,
    threads: int,
    repeats: int,
    clips: int,
    clip: Path | None = None,
    tell: Tell = lambda text: None,
) -> dict[str, Any]:
    """Measures, and writes the figures and their table into *docs*; returns what was written.

    Args:
        frames: of the timed clip. threads: of either way, on as many cores. repeats: the median of so many runs counts.
        clips: for accuracy; 0 leaves it out. clip: another one to be timed, as it is.

    A program that calls this keeps its own work behind ``if __name__ == "__main__"``.
    """
    with _one_thread():
        data = {
            "conditions": _conditions(frames if clip is None else clip.name, threads, repeats, clips),
            "speed": _speed(frames, threads, repeats, clip, tell),
            "accuracy": {name: _accuracy(clips, name, tell) for name in ("upright", "upside down") if clips},
        }
    data["conditions"]["load_after"] = _load()
    file = docs / FIGURES
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    write_between(docs / PAGE, MARKER, lines(data))
    return data


def _speed(frames: int, threads: int, repeats: int, clip: Path | None, tell: Tell) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        short = clip or write_clip(Path(scratch) / "clip.mp4", frames)
        runs: dict[str, list[Timed]] = {REFERENCE: [], ENGINE: []}
        for number in range(repeats):
            for way, done in runs.items():  # in turns: what else the machine does meets both
                done.append(timed(way, short, threads))
                tell(f"run {number + 1} of {repeats}, {way}: {done[-1].frame_ms:.1f} ms a frame")
        speed = _compared(runs[REFERENCE], runs[ENGINE])
        if clip is None:
            longer = write_clip(Path(scratch) / "longer.mp4", LONGER * frames)
            for way in runs:
                speed[way][f"peak_mib_of_{LONGER * frames}_frames"] = _rounded(
                    timed(way, longer, threads).peak_mib
                )
                tell(f"{LONGER * frames} frames, {way}: peak memory")
        return speed


def _compared(reference: Sequence[Timed], engine: Sequence[Timed]) -> dict[str, Any]:
    same = [a == b for a, b in zip(reference[0].digests, engine[0].digests, strict=True)]
    faster = _median(reference, "wall_s") / _median(engine, "wall_s")
    return {
        "frames": len(same),
        "times_faster": _rounded(faster),
        "equal_frames": sum(same),
        REFERENCE: _told(reference),
        ENGINE: _told(engine),
    }


def _told(runs: Sequence[Timed]) -> dict[str, Any]:
    names = ("wall_s", "cpu_s", "peak_mib", "before_mib")
    return {name: _rounded(_median(runs, name)) for name in names} | {
        "all_wall_s": [_rounded(run.wall_s) for run in runs],
        "frame_ms": _rounded(1000 * _median(runs, "wall_s") / len(runs[0].digests)),
    }


def _median(runs: Sequence[Timed], name: str) -> float:
    return float(statistics.median(getattr(run, name) for run in runs))


def _accuracy(clips: int, name: str, tell: Tell) -> dict[str, dict[str, float]]:
    nets, rows = NetFolder(threads=1), []
    for figures in found_figures(clips, ACCURACY_FRAMES, nets, turned=name != "upright"):
        rows.append(asdict(figures))
        tell(f"accuracy, {name}: clip {len(rows)} of {clips}")
    each = {key: [row[key] for row in rows] for key in rows[0]}
    return {
        key: {"mean": _rounded(float(np.nanmean(of))), "median": _rounded(float(np.nanmedian(of)))}
        for key, of in each.items()
    }


def _rounded(value: float) -> float:
    return round(value, 4)


def _load() -> list[float]:
    """Of the machine: how many processes wanted a core, over 1, 5 and 15 minutes."""
    return [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else []


def _conditions(clip: int | str, threads: int, repeats: int, clips: int) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads,
        "provider": PROVIDER,
        "nets": NetFolder().told(),
        "clip": f"{clip} frames of 1280x720, H.264, one drawn person" if isinstance(clip, int) else clip,
        "repeats": repeats,
        "accuracy": f"{clips} clips of {ACCURACY_FRAMES} frames, 256 px, seeds from {FIRST_SEED}",
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "torch": version("torch"),
        "load_before": _load(),
    }


def lines(data: dict[str, Any]) -> list[str]:
    """The tables in Markdown."""
    speed, accuracy = data["speed"], data["accuracy"]
    ways = [speed[REFERENCE], speed[ENGINE]]
    table = ["| | the reference's way | the engine |", "|---|---|---|"]
    rows = {
        "frame_ms": "time a frame, ms",
        "cpu_s": "processor time of all threads, s",
        "peak_mib": "peak memory, MiB",
    }
    rows |= {name: f"peak memory of {name.split('_')[3]} frames, MiB" for name in ways[0] if "_of_" in name}
    table += [f"| {told} | {ways[0][name]:.4g} | {ways[1][name]:.4g} |" for name, told in rows.items()]
    frames, faster = speed["frames"], speed["times_faster"]
    table += [
        "",
        f"{faster:.2f} times faster (target: {LEAST_FASTER}); {speed['equal_frames']} of {frames} frames equal.",
    ]
    if accuracy:
        names = list(accuracy)
        table += ["", "| mean (median) | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for key in accuracy[names[0]]:
            cells = [
                f"{accuracy[name][key]['mean']:.3f} ({accuracy[name][key]['median']:.3f})" for name in names
            ]
            table.append(f"| `{key}` | " + " | ".join(cells) + " |")
    return [*table, "", ", ".join(f"{name} {value}" for name, value in data["conditions"].items())]
