"""What the watched engine wrote down, as figures: seconds of every stage, memory told before and taken."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

Line = dict[str, Any]
NUMBERS = re.compile(r"\d+")


def lines(file: Path) -> list[Line]:
    """All that is whole: a killed engine's last line may not be."""
    found = []
    for text in file.read_text().splitlines() if file.exists() else []:
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def attempts(record: Sequence[Line]) -> list[list[Line]]:
    """The lines of each run of the engine, from "run" on."""
    found: list[list[Line]] = []
    for line in record:
        if line["event"] == "run":
            found.append([])
        if found and line["event"] not in ("begins", "loaded"):
            found[-1].append(line)
    return found


def loading(record: Sequence[Line]) -> dict[str, Any]:
    """Of the last engine that was loaded."""
    began = [line for line in record if line["event"] == "begins"][-1]
    loaded = [line for line in record if line["event"] == "loaded" and line["at"] > began["at"]][-1]
    return {
        "engine_load_s": _seconds(began, loaded),
        "engines": sum(line["event"] == "begins" for line in record),
        "threads": loaded["threads"],
        "alloc_conf": began["alloc_conf"],
        "standing_gb": loaded.get("allocated", 0) / 1e9,
    }


def stages(run: Sequence[Line]) -> dict[str, float]:
    """Seconds spent in each stage of one run, by its words; steps and storing by theirs."""
    spent: dict[str, float] = defaultdict(float)
    for line, after in pairwise(run):
        spent[_name(line)] += after["at"] - line["at"]
    return {name: round(seconds, 3) for name, seconds in spent.items()}


def steps(run: Sequence[Line]) -> list[float]:
    """Seconds of each step but a segment's first, which begins with what its steps share."""
    pairs = pairwise(run)
    return [_seconds(a, b) for a, b in pairs if a["event"] in ("Step", "Preview") and b["event"] == "Step"]


def memory(run: Sequence[Line]) -> dict[str, Any]:
    """The peak against the figure of the plan under which it was reached."""
    planned = [line["plan"] for line in run if "plan" in line]
    told, peak = 0, 0
    for line in run:
        if "plan" in line and line.get("peak", 0) > peak:
            told, peak = line["plan"]["peak_bytes"], line["peak"]
    return {
        "plan": planned[-1]["words"] if planned else "",
        "told_gb": told / 1e9,
        "peak_gb": peak / 1e9,
        "off_percent": round(100 * (peak / told - 1), 1) if told and peak else None,
        "reserved_gb": max((line.get("reserved", 0) for line in run), default=0) / 1e9,
    }


def figures(run: Sequence[Line]) -> dict[str, Any]:
    return {
        "run_s": _seconds(run[0], run[-1]),
        "steps_s": steps(run),
        "stages_s": stages(run),
        "memory": memory(run),
        "warned": [line["text"] for line in run if line["event"] == "Warned"],
    }


def _name(line: Line) -> str:
    """What the engine, or whoever it spoke to, did from *line* on."""
    if line["event"] == "Stage":
        return NUMBERS.sub("N", str(line["text"]))
    kinds = {
        "run": "opening",
        "Step": "after a step",
        "SegmentDone": "storing",
        "stored": "next segment",
        "left": "joining and delivering",
    }
    return kinds.get(str(line["event"]), str(line["event"]))


def _seconds(first: Line, last: Line) -> float:
    return round(float(last["at"]) - float(first["at"]), 3)
