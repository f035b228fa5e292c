"""One call that measures quality and writes what the documentation shows: figures, pictures, a page."""

from __future__ import annotations

import json
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from ..model.configs import NANO
from ..training.measure.people import METERS
from .gallery import result_of, write_page
from .report import Report, Tell, run
from .station import Setup

FIGURES, GALLERY = Path("benchmarks") / "quality.json", Path("gallery")


class Published(NamedTuple):
    report: Report
    data: dict[str, Any]  # as it is stored
    figures: Path
    page: Path


def publish(
    docs: Path,
    *,
    clips: int,
    weights: Path | None = None,
    meters: Path | None = METERS,
    frames: int | None = None,
    device: str = "cpu",
    workers: int = 1,
    tell: Tell = lambda text: None,
) -> Published:
    """Measures nano with *weights* on held-out *clips* and writes the figures and the gallery into *docs*.

    *meters*: folder of the nets that read pose and expression; None leaves both out. *workers*: processes that share
    the clips; a program that asks for more than one keeps its own work behind ``if __name__ == "__main__"``.
    """
    gallery = docs / GALLERY
    setup = Setup(spec=NANO, weights=weights, device=device, meters=meters, frames=frames, gallery=gallery)
    report = run(setup, clips, workers=workers, tell=tell)
    data = report.as_data()
    data["conditions"] |= conditions(device, workers)
    figures = docs / FIGURES
    figures.parent.mkdir(parents=True, exist_ok=True)
    figures.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    row = result_of([name for name, row in report.rows.items() if not row.skipped])
    return Published(report, data, figures, write_page(gallery, report.shown, row, report.conditions))


def conditions(device: str, workers: int) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "device": device,
        "workers": workers,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
    }
