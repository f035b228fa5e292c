"""One test clip as every row of the table gets it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..engine import Engine
from ..training.measure.figures import Truth, truth_of
from ..training.measure.motion import CHAINED
from ..training.studio.clips import ClipBatch, render_clips
from ..types import Segment
from .material import Material, write_material

LONG_EVERY = 8  # of so many clips one is five segments long; the others are two


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    clips: ClipBatch
    index: int
    truth: Truth
    material: Material
    segments: tuple[Segment, ...]  # as the engine plans them
    seed: int

    @property
    def delivered(self) -> tuple[range, ...]:
        """Which frames each segment delivers."""
        return tuple(segment.delivers.indices for segment in self.segments)


def clip_frames(number: int, segment_frames: int) -> int:
    """The length of test clip *number*: two segments that share a frame, or five."""
    segments = CHAINED if number % LONG_EVERY == 0 else 2
    return segments * (segment_frames - 1) + 1


@contextmanager
def rendered(engine: Engine, seed: int, *, frames: int, size_px: int, device: str) -> Iterator[Clip]:
    """The clip of *seed*, drawn; its files are there as long as the block runs."""
    batch = render_clips([seed], frames=frames, size=size_px, device=device)
    with tempfile.TemporaryDirectory() as folder:
        material = write_material(batch, 0, Path(folder))
        yield build_clip(engine, batch, 0, material, seed)


def build_clip(engine: Engine, clips: ClipBatch, index: int, material: Material, seed: int) -> Clip:
    plan = engine.plan(material.request(seed))
    truth = truth_of(clips, index)
    return Clip(clips=clips, index=index, truth=truth, material=material, segments=plan.segments, seed=seed)
