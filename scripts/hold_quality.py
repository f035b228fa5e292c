"""Writes down how good nano's packaged weights are on four test clips, for the tests to hold. Run it after new weights.

tests/test_quality.py compares with tests/data/quality.json, which this writes: a few frames of each clip, made in the
quickest way that the weights have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from understudy_engine.bench.clip import Clip
from understudy_engine.bench.rows import ROWS, Made
from understudy_engine.bench.station import Setup, Station, figures_of
from understudy_engine.model.configs import NANO
from understudy_engine.training.measure.figures import METRICS, Figures
from understudy_engine.training.measure.people import METERS

NUMBERS = (0, 2, 5, 13)  # among TEST_SEEDS: close-up, knees up (two people), waist up, full body
FRAMES = 5  # two latents
STORED = Path(__file__).parents[1] / "tests" / "data" / "quality.json"
HELD = (
    "person_ssim",
    "person_psnr",
    "pose_error_percent",
    "expression_error",
    "identity_error",
    "relight_delta_e",
    "background_change",
    "flicker",
)


def station() -> Station:
    return Station(Setup(spec=NANO, meters=METERS, frames=FRAMES))


def quickest_row(at: Station) -> str:
    return "four_step" if "four_step" in at.rows else "full_model"


def made(at: Station) -> Iterator[tuple[Clip, Made]]:
    """The four clips, each with its result. A clip's files are gone when the next is asked for."""
    for number in NUMBERS:
        with at.clip(number) as clip:
            yield clip, ROWS[quickest_row(at)].make(at.rig, clip)


def held(at: Station, clip: Clip, result: Made) -> Figures:
    """The figures that are held: all but time, and what takes several segments."""
    figures = figures_of(result, clip, at.meters)
    return {name: figures[name] for name in METRICS if name in HELD}


def main() -> None:
    at = station()
    row = quickest_row(at)
    clips = {str(clip.seed): held(at, clip, result) for clip, result in made(at)}
    stored = {"weights": at.rig.parts.source.sha256(), "row": row, "frames": FRAMES, "clips": clips}
    STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    for seed, figures in clips.items():
        print(seed, ", ".join(f"{name} {value:.3g}" for name, value in figures.items() if value is not None))
    print(f"{ROWS[row].title}, written to {STORED.name}")


if __name__ == "__main__":
    main()
