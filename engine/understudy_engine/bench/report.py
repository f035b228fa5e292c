"""The quality table: every row over every test clip, as numbers to keep and as lines to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..training.measure.figures import METRICS, Figures
from ..training.measure.spread import Interval, interval
from ..training.studio.frozen import TEST_SEEDS, generator_digest
from .clip import clip_frames
from .crew import measured
from .gallery import Shown
from .rows import ROWS
from .station import Measured, Setup

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RowReport:
    title: str
    skipped: str  # why the row could not be made, or nothing
    figures: Mapping[str, Interval | None]


@dataclass(frozen=True, slots=True)
class Report:
    rows: Mapping[str, RowReport]
    conditions: Mapping[str, Any]
    shown: Sequence[Shown] = ()  # the gallery's clips

    def as_data(self) -> dict[str, Any]:
        """As it is stored: every figure with its interval and the number of clips that have it."""
        rows = {
            name: {"title": row.title, "skipped": row.skipped}
            if row.skipped
            else {"title": row.title, "figures": {k: _stored(v) for k, v in row.figures.items()}}
            for name, row in self.rows.items()
        }
        return {"conditions": dict(self.conditions), "metrics": METRICS, "rows": rows}


def _stored(figure: Interval | None) -> dict[str, float | int] | None:
    if figure is None:
        return None
    return {name: round(value, 4) for name, value in figure._asdict().items()}


def run(setup: Setup, clips: int, *, workers: int = 1, tell: Tell) -> Report:
    """Renders the first *clips* of the held-out clips, makes every row of each and measures it, in *workers*
    processes. *tell* hears of each clip that is done."""
    found: list[Measured] = []
    for clip in measured(setup, range(clips), workers):
        found.append(clip)
        tell(f"clip {len(found)} of {clips}")
    found.sort(key=lambda clip: clip.number)
    rows = {name: _row(name, lacking, found) for name, lacking in setup.lacking().items()}
    return Report(rows, _conditions(setup, clips), [clip.shown for clip in found if clip.shown])


def _row(name: str, lacking: str, clips: Sequence[Measured]) -> RowReport:
    figures = {} if lacking else _intervals([clip.figures[name] for clip in clips])
    return RowReport(ROWS[name].title, lacking, figures)


def _intervals(clips: Sequence[Figures]) -> dict[str, Interval | None]:
    return {name: interval([figures[name] for figures in clips]) for name in METRICS}


def _conditions(setup: Setup, clips: int) -> dict[str, Any]:
    long, short = (clip_frames(number, setup.spec.segment_frames) for number in (0, 1))
    return {
        "clips": clips,
        "seeds": [TEST_SEEDS[0], TEST_SEEDS[clips - 1]],
        "frames": f"{setup.frames}" if setup.frames else f"{short}, of every eighth {long}",
        "size_px": setup.size_px,
        "generator": generator_digest(),
        "meters": setup.meters is not None,
    }


def lines(report: Report) -> list[str]:
    """The table in Markdown, and under it the rows that could not be made."""
    names = list(METRICS)
    table = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for row in report.rows.values():
        if not row.skipped:
            cells = [_cell(row.figures[name]) for name in names]
            table.append(f"| {row.title} | " + " | ".join(cells) + " |")
    skipped = [f"Not made: {row.title} ({row.skipped})." for row in report.rows.values() if row.skipped]
    return [*table, *([""] if skipped else []), *skipped]


def _cell(figure: Interval | None) -> str:
    if figure is None:
        return "-"
    half = (figure.high - figure.low) / 2
    return f"{figure.mean:.3g} ± {half:.2g}"
