"""Pictures of people with everything known about them, in a folder: one process renders, all others learn.

A shard is a safetensors file. The renderer adds shards while the learners train; they take in what is new as they go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..studio.clips import EVERYTHING, ClipBatch, render_clips
from .points import matte_boxes

FIRST_SEED = 3_000_000  # of the clips the small nets learn from; a shard's number gives its seeds
HELD_OUT = -1  # the number of the shard that nets are tried on and do not learn from
SEEDS_A_SHARD = 1000
EVERY = 8  # frames of a clip that are drawn: a third of a second apart, so that no two are alike

WANTED = EVERYTHING - {"clean_plate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """N pictures with up to P people each, on one device. The first person is the one the truth is about."""

    pictures: Tensor  # (N, 3, H, W) uint8
    mattes: Tensor  # (N, P, H, W) uint8
    points: Tensor  # (N, P, 133, 3) pixels and score
    boxes: Tensor  # (N, P, 4) of what is seen; empty for people who are not there
    expression: Tensor  # (N, 8) of the first person; no numbers where it is not known
    complete: Tensor  # (N,) bool: nobody is in the picture but those told of
    soft: Tensor  # (N,) bool: mattes tell how much of a pixel is covered; else 255 where any of it is

    def __len__(self) -> int:
        return len(self.pictures)

    def part(self, start: int, end: int) -> Rows:
        return Rows(**{f.name: getattr(self, f.name)[start:end] for f in fields(self)})

    def to(self, device: torch.device | str) -> Rows:
        return Rows(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def joined(parts: Iterable[Rows]) -> Rows:
    parts = list(parts)
    return Rows(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Rows)})


def rows_of(clips: ClipBatch) -> Rows:
    """Every plate, truth and character picture of *clips*.

    In a Replace truth the others are as in the plate but where the character hides them, so it is not complete.
    """
    people, points = clips.people_mattes.transpose(1, 2), clips.keypoints.transpose(1, 2)  # (B, T, P, ...)
    nobody, no_points = torch.zeros_like(people[:, :, 1:]), torch.zeros_like(points[:, :, 1:])
    character = torch.cat([clips.truth_matte[:, :, None], people[:, :, 1:]], dim=2)
    alone = torch.cat([clips.animate_matte[:, :, None], nobody], dim=2)
    posing = torch.cat([clips.character_matte[:, None, None], nobody[:, :1]], dim=2)
    mine = clips.truth_keypoints[:, :, None]
    with_others = torch.cat([mine, points[:, :, 1:]], dim=2)
    by_itself = torch.cat([mine, no_points], dim=2)
    posing_points = torch.cat([clips.character_keypoints[:, None, None], no_points[:, :1]], dim=2)
    expression = clips.expression
    unknown = torch.full_like(expression[:, :1], torch.nan)
    return joined(
        [
            _rows(clips.plate, people, points, expression, complete=True, soft=True),
            _rows(clips.truth_replace, character, with_others, expression, complete=False),
            _rows(clips.truth_unlit, character, with_others, expression, complete=False),
            _rows(clips.truth_animate, alone, by_itself, expression, complete=True),
            _rows(clips.character[:, None], posing, posing_points, unknown, complete=True),
        ]
    )


def _rows(
    pictures: Tensor,
    mattes: Tensor,
    points: Tensor,
    expression: Tensor,
    *,
    complete: bool,
    soft: bool = False,
) -> Rows:
    """From (B, T, ...) each."""
    mattes = mattes.flatten(0, 1)
    return Rows(
        pictures=pictures.flatten(0, 1),
        mattes=mattes,
        points=points.flatten(0, 1),
        boxes=matte_boxes(mattes),
        expression=expression.flatten(0, 1),
        complete=torch.full((len(mattes),), complete, device=mattes.device),
        soft=torch.full((len(mattes),), soft, device=mattes.device),
    )


def render_shards(
    folder: Path,
    numbers: Iterable[int],
    device: torch.device | str,
    *,
    clips: int,
    frames: int,
    size: int = 256,
) -> Iterator[Path]:
    """Renders shard after shard into *folder*, each whole when it appears."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        first = FIRST_SEED + number * SEEDS_A_SHARD
        seeds = range(first, first + clips)
        rows = rows_of(render_clips(seeds, frames=frames, size=size, device=device, want=WANTED, every=EVERY))
        file = folder / f"{number:05d}.safetensors"
        part = file.with_suffix(".part")
        save_file({f.name: getattr(rows, f.name).cpu().contiguous() for f in fields(rows)}, part)
        part.replace(file)
        yield file


class Pool:
    """What a learner holds of a folder of shards, on its device. Empty until ``refresh`` finds the first.

    *held_out*: the shard that nets are tried on, and no other; else all but that.
    """

    def __init__(
        self, folder: Path, device: torch.device | str, most_rows: int = 16_000, *, held_out: bool = False
    ) -> None:
        self._folder, self._device, self._most, self._held_out = folder, device, most_rows, held_out
        self._taken: set[Path] = set()
        self.rows: Rows | None = None

    def refresh(self) -> bool:
        """Takes in new shards, up to the pool's size; True if there were any."""
        if self.rows is not None and len(self.rows) >= self._most:
            return False
        held_out = f"{HELD_OUT:05d}"
        here = {
            file for file in self._folder.glob("*.safetensors") if (file.stem == held_out) == self._held_out
        }
        new = sorted(here - self._taken)
        if not new:
            return False
        self._taken.update(new)
        shards = [Rows(**load_file(file)).to(self._device) for file in new]
        self.rows = joined(shards if self.rows is None else [self.rows, *shards])
        return True
