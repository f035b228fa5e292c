"""What was measured as tables of docs/benchmarks.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..page import write_between
from .goals import GOALS, Goal
from .measure import SECONDS, measure
from .record import Tell

FIGURES, PAGE, MARKER = Path("benchmarks") / "speed_h200.json", Path("benchmarks.md"), "<!-- speed -->"
SPAN = 1e-9  # of rounding, in a comparison

Data = Mapping[str, Any]


def publish(
    docs: Path, *, measured: Path | None = None, seconds: float = SECONDS, tell: Tell = lambda text: None
) -> dict[str, Any]:
    """Writes figures and tables into *docs*; returns the figures.

    *measured*: figures that another machine wrote, instead of measuring here.
    """
    file = docs / FIGURES
    file.parent.mkdir(parents=True, exist_ok=True)
    if measured is None:
        data = measure(file, seconds=seconds, tell=tell)
    else:
        data = json.loads(measured.read_text("utf-8"))
        file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    write_between(docs / PAGE, MARKER, lines(data))
    return data


def lines(data: Data) -> list[str]:
    """The tables in Markdown: seconds, rates, exactness."""
    tables = [table for make in (_seconds, _rates, _exactness) if (table := make(data["rows"]))]
    skipped = [f"{name} ({why})" for name, why in data["skipped"].items()]
    told = ", ".join(f"{name} {value}" for name, value in data["conditions"].items())
    clocks = [f"{when}: {_card(state)}" for when, state in data["card"].items() if "clocks.sm" in state]
    behind = [told, "; ".join(clocks), f"Not measured: {', '.join(skipped)}." if skipped else ""]
    return [line for part in (*tables, *([text] for text in behind if text)) for line in (*part, "")][:-1]


def _seconds(rows: Data) -> list[str]:
    heads = [
        "| | seconds | diffusers, eager / compiled | reach | then aim for | |",
        "|---|---|---|---|---|---|",
    ]
    body = [
        f"| {goal.title} | {_number(rows[name]['value'])} | {_beside(goal, rows)} | {_number(goal.reach)} "
        f"| {_number(goal.aim)} | {_verdict(goal, rows[name]['value'], goal.reach)} |"
        for name, goal in _goals(rows, lambda unit: unit == "s")
    ]
    return [*heads, *body] if body else []


def _rates(rows: Data) -> list[str]:
    peak = rows.get("matmul_bf16", {}).get("value")
    found = {name: row["value"] for name, row in rows.items() if row["unit"] == "TFLOP/s"}
    found |= {name: row["tflops"] for name, row in rows.items() if row.get("tflops")}
    shares = {name: f"{rate / peak:.0%}" if peak else "" for name, rate in found.items()}
    body = [f"| {_title(name, rows)} | {rate:.0f} | {shares[name]} |" for name, rate in found.items()]
    return ["| | TFLOP/s | of the matmul in bf16 |", "|---|---|---|", *body] if body else []


def _exactness(rows: Data) -> list[str]:
    heads = ["| against float32 | measured | limit | |", "|---|---|---|---|"]
    body = []
    for name, goal in _goals(rows, lambda unit: unit != "s"):
        row = rows[name]
        limit = row.get("reach", goal.reach)
        value = f"{row['value']:.2%}" if not row["unit"] else f"{row['value']:.1f} {row['unit']}"
        told = (
            "" if limit is None else f"{limit:.2%}" if not row["unit"] else f"at least {limit} {row['unit']}"
        )
        body.append(f"| {goal.title} | {value} | {told} | {_verdict(goal, row['value'], limit)} |")
    return [*heads, *body] if body else []


def _goals(rows: Data, fits: Callable[[str], bool]) -> list[tuple[str, Goal]]:
    return [(name, goal) for name, goal in GOALS.items() if name in rows and fits(rows[name]["unit"])]


def _verdict(goal: Goal, value: float, limit: float | None) -> str:
    if limit is None:
        return ""
    sign = -1 if goal.is_least else 1
    if goal.aim is not None and sign * value <= sign * goal.aim + SPAN:
        return "aim reached"
    return "reached" if sign * value <= sign * limit + SPAN else "missed"


def _beside(goal: Goal, rows: Data) -> str:
    return " / ".join(
        _number(rows[name]["value"]) if name in rows else "not measured" for name in goal.beside
    )


def _title(name: str, rows: Data) -> str:
    if name in GOALS:
        return GOALS[name].title
    kind, _, rest = name.partition("_")
    if kind == "matmul":
        return f"matmul in {rest}, {rows[name]['of']}"
    backend, _, tokens = rest.rpartition("_")
    return f"attention `{backend}`, {int(tokens):,} tokens"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _card(state: Data) -> str:
    return f"{state['clocks.sm']}, {state['power.draw']}"
