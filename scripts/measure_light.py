"""Measures how much of the plate's light can be told from the plate: what a relighting LoRA has to go by.

    python scripts/measure_light.py --clips 480

The light's effect is the person's mean colour in the plate's light against the same in the picture's light, as
logarithms of linear RGB. A ridge regression guesses it from the means of what surrounds the driver, whom the model does
not see (whole, thirds across, thirds down), and of the character picture. R2 is of the quarter it was not fitted to.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import torch
from torch import Tensor

from understudy_engine.training.studio.clips import ClipBatch, render_clips

FIRST_SEED, SIZE_PX, AT_ONCE = 3_800_000, 64, 16
WANT = frozenset(
    {"plate", "matte", "character", "character_matte", "truth_replace", "truth_unlit", "truth_matte"}
)
RIDGES = (1.0, 10.0, 100.0)
LEAST_PX = 20  # of the person, or its colour means nothing


def clips(count: int) -> Iterator[ClipBatch]:
    for first in range(FIRST_SEED, FIRST_SEED + count, AT_ONCE):
        yield render_clips(range(first, first + AT_ONCE), frames=1, size=SIZE_PX, want=WANT)


def effect_and_signs(batch: ClipBatch) -> tuple[Tensor, Tensor]:
    """(n, 3) what the light does, and (n, 27) what tells of it, of the clips that show the person."""
    person = batch.truth_matte[:, 0] > 200
    effect = mean_log(batch.truth_replace[:, 0], person) - mean_log(batch.truth_unlit[:, 0], person)
    plate, around = batch.plate[:, 0], batch.matte[:, 0] < 10
    thirds = [slice(k * SIZE_PX // 3, (k + 1) * SIZE_PX // 3) for k in range(3)]
    signs = [mean_log(plate, around)]
    signs += [mean_log(plate[:, :, rows], around[:, rows]) for rows in thirds]
    signs += [mean_log(plate[..., columns], around[..., columns]) for columns in thirds]
    backdrop = batch.character_matte < 10
    signs += [mean_log(batch.character, backdrop), mean_log(batch.character, ~backdrop)]
    shown = person.sum(dim=(1, 2)) > LEAST_PX
    return effect[shown], torch.cat(signs, dim=1)[shown]


def mean_log(pictures: Tensor, region: Tensor) -> Tensor:
    """uint8 (n, 3, h, w) and bool (n, h, w) -> (n, 3) logarithms of mean linear colours."""
    linear = (pictures.float() / 255) ** 2.2
    inside = region[:, None].float()
    mean = (linear * inside).sum(dim=(2, 3)) / inside.sum(dim=(2, 3)).clamp_min(1)
    return mean.clamp_min(1e-3).log()


def explained(effect: Tensor, signs: Tensor, ridge: float) -> Tensor:
    """(3,) parts of the effect's variance, on the last quarter."""
    fitted = len(signs) * 3 // 4
    scaled = (signs - signs[:fitted].mean(dim=0)) / signs[:fitted].std(dim=0)
    inputs = torch.cat([scaled, torch.ones(len(scaled), 1)], dim=1)
    known = inputs[:fitted]
    weights = torch.linalg.solve(
        known.T @ known + ridge * torch.eye(known.shape[1]), known.T @ effect[:fitted]
    )
    rest = effect[fitted:] - inputs[fitted:] @ weights
    told: Tensor = 1 - rest.var(dim=0) / effect[fitted:].var(dim=0)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clips", type=int, default=480)
    found = [effect_and_signs(batch) for batch in clips(parser.parse_args().clips)]
    effect, signs = (torch.cat(parts) for parts in zip(*found, strict=True))
    print(f"{len(effect)} clips; the effect's deviation: {[round(v, 3) for v in effect.std(dim=0).tolist()]}")
    for ridge in RIDGES:
        print(f"ridge {ridge:g}: R2 {[round(v, 3) for v in explained(effect, signs, ridge).tolist()]}")


if __name__ == "__main__":
    main()
