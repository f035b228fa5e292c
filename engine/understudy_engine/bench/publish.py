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
from ..training.measure.people import Meters
from .gallery import Gallery
from .report import Report, Tell, run
from .rows import Rig

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
    weights: Path | None,
    meters: Meters | None,
    frames: int | None = None,
    device: str = "cpu",
    tell: Tell = lambda text: None,
) -> Published:
    """Measures nano with *weights* on held-out *clips* and writes the figures and the gallery into *docs*."""
    gallery = Gallery(docs / GALLERY)
    rig = Rig(NANO, weights, device)
    report = run(rig, clips, meters=meters, frames=frames, tell=tell, keep=gallery.keep)
    data = report.as_data()
    data["conditions"] |= conditions(device)
    figures = docs / FIGURES
    figures.parent.mkdir(parents=True, exist_ok=True)
    figures.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return Published(report, data, figures, gallery.write_page(report))


def conditions(device: str) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "device": device,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
    }
