"""The quality table: every row over every test clip, as numbers to keep and as lines to read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..training.measure.figures import METRICS, Figures, measure, truth_of
from ..training.measure.motion import CHAINED
from ..training.measure.people import Meters
from ..training.measure.spread import Interval, interval
from ..training.studio.clips import ClipBatch, render_clips
from ..training.studio.frozen import TEST_SEEDS, generator_digest
from .material import Material, write_material
from .rows import ROWS, Clip, Made, Rig

LONG_EVERY = 8  # of so many clips one is five segments long; the others are two
SHOWN = 12  # clips that the gallery may have

Tell = Callable[[str], None]
Keep = Callable[[Clip, Mapping[str, Made]], None]


@dataclass(frozen=True, slots=True)
class RowReport:
    title: str
    skipped: str  # why the row could not be made, or nothing
    figures: Mapping[str, Interval | None]


@dataclass(frozen=True, slots=True)
class Report:
    rows: Mapping[str, RowReport]
    conditions: Mapping[str, Any]

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


def clip_frames(number: int, segment_frames: int) -> int:
    """The length of test clip *number*: two segments that share a frame, or five."""
    segments = CHAINED if number % LONG_EVERY == 0 else 2
    return segments * (segment_frames - 1) + 1


def run(
    rig: Rig,
    clips: int,
    *,
    meters: Meters | None,
    frames: int | None = None,
    size: int = 256,
    tell: Tell,
    keep: Keep | None = None,
) -> Report:
    """Renders *clips* held-out clips, makes every row of each and measures it.

    *frames*: the length of every clip, in place of ``clip_frames``. *tell* hears of each clip that is done; *keep*
    gets the results of the first few. One clip is held at a time.
    """
    lacking = {name: row.lacking(rig) for name, row in ROWS.items()}
    found: dict[str, list[Figures]] = {name: [] for name, reason in lacking.items() if not reason}
    seeds = TEST_SEEDS[:clips]
    for number, clip in enumerate(_test_clips(rig, seeds, frames, size)):
        made = {name: ROWS[name].make(rig, clip) for name in found}
        for name, result in made.items():
            found[name].append(_measured(result, clip, meters, rig.device))
        if keep is not None and number < SHOWN:
            keep(clip, made)
        tell(f"clip {number + 1} of {len(seeds)}")
    rows = {
        name: RowReport(row.title, lacking[name], _intervals(found.get(name, [])))
        for name, row in ROWS.items()
    }
    long, short = (clip_frames(number, rig.spec.segment_frames) for number in (0, 1))
    lengths = f"{frames}" if frames else f"{short}, of every eighth {long}"
    conditions = {
        "clips": len(seeds),
        "seeds": [seeds[0], seeds[-1]],
        "frames": lengths,
        "size_px": size,
    }
    return Report(rows, conditions | {"generator": generator_digest(), "meters": meters is not None})


def _test_clips(rig: Rig, seeds: Sequence[int], length: int | None, size: int) -> Iterator[Clip]:
    for number, seed in enumerate(seeds):
        frames = length or clip_frames(number, rig.spec.segment_frames)
        batch = render_clips([seed], frames=frames, size=size, device=rig.device)
        with tempfile.TemporaryDirectory() as scratch:
            material = write_material(batch, 0, Path(scratch))
            yield build_clip(rig, batch, 0, material, seed)


def build_clip(rig: Rig, clips: ClipBatch, index: int, material: Material, seed: int) -> Clip:
    plan = rig.engine.plan(material.request(seed))
    truth = truth_of(clips, index)
    return Clip(clips=clips, index=index, truth=truth, material=material, segments=plan.segments, seed=seed)


@torch.no_grad()
def _measured(made: Made, clip: Clip, meters: Meters | None, device: str) -> Figures:
    figures = measure(made.frames.to(device), clip.truth, segments=clip.delivered, meters=meters)
    return figures | {"seconds_per_frame": made.seconds / len(made.frames)}


def _intervals(clips: Sequence[Figures]) -> dict[str, Interval | None]:
    return {name: interval([figures[name] for figures in clips]) for name in METRICS} if clips else {}


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
