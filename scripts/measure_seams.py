"""Measures whether results jump where segments meet by more than they change between any other two frames.

    python scripts/measure_seams.py --clips 1 2 3 5 6 7 9 10

Of each test clip (by its number): changes from frame to frame on the person, in parts of the clip's own mean change, at
the seam and between all other frames; what the truth does not have of them, and what can be seen.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import torch
from torch import Tensor

from understudy_engine.bench.clip import Clip
from understudy_engine.bench.rows import ROWS
from understudy_engine.bench.station import Setup, Station
from understudy_engine.model.configs import NANO
from understudy_engine.training.measure.likeness import person_region
from understudy_engine.training.measure.people import METERS


class Changes(NamedTuple):
    extra_at_seams: float
    extra_elsewhere: float
    seen_at_seams: float
    seen_elsewhere: float


def changes(result: Tensor, clip: Clip) -> Changes:
    region = person_region(clip.truth.matte)[1:].float()
    made, true = result.diff(dim=0), clip.truth.result.diff(dim=0)
    own = (true.abs().mean(dim=1) * region).sum() / region.sum()
    seams = torch.zeros(len(region), dtype=torch.bool)
    seams[[span.start - 1 for span in clip.delivered[1:]]] = True

    def told(change: Tensor) -> tuple[float, float]:
        each = (change.abs().mean(dim=1) * region).sum(dim=(1, 2)) / region.sum(dim=(1, 2)).clamp_min(1) / own
        return float(each[seams].mean()), float(each[~seams].mean())

    return Changes(*told(made - true), *told(made))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clips", type=int, nargs="+", default=[1, 2, 3, 5, 6, 7, 9, 10])
    station = Station(Setup(spec=NANO, meters=METERS))
    found = []
    for number in parser.parse_args().clips:
        with station.clip(number) as clip:
            found.append(changes(ROWS["full_model"].make(station.rig, clip).frames, clip))
        print(number, *(f"{name} {value:.2f}" for name, value in found[-1]._asdict().items()), flush=True)
    means = Changes(*torch.tensor(found).mean(dim=0).tolist())
    print("mean", *(f"{name} {value:.2f}" for name, value in means._asdict().items()))


if __name__ == "__main__":
    main()
