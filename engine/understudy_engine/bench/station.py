"""Where test clips are measured: each rendered, made in every row, and compared with its truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from ..model.configs import ModelSpec
from ..training.measure.figures import Figures, measure
from ..training.measure.people import Meters, load_meters
from ..training.studio.frozen import TEST_SEEDS
from ..weights.installed import Asked, find_weights
from .clip import Clip, clip_frames, rendered
from .gallery import Shown, show
from .rows import ROWS, Made, Rig

SHOWN = 8  # clips that the gallery has


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What to measure with. Processes send it to each other."""

    spec: ModelSpec
    weights: Asked = None
    device: str = "cpu"
    meters: Path | None = None  # folder of the nets that read pose and expression; None: neither is read
    frames: int | None = None  # of every clip, in place of clip_frames
    size_px: int = 256
    gallery: Path | None = None  # folder for pictures and movies of the first clips

    def frames_of(self, number: int) -> int:
        return self.frames or clip_frames(number, self.spec.segment_frames)

    def lacking(self) -> dict[str, str]:
        """By the names of all rows: why it cannot be made, or nothing."""
        weights = find_weights(self.spec.name, self.weights)
        return {name: row.lacking(weights) for name, row in ROWS.items()}


@dataclass(frozen=True, slots=True)
class Measured:
    """One clip's figures by the names of the rows that were made."""

    number: int  # among TEST_SEEDS
    figures: Mapping[str, Figures]
    shown: Shown | None = None  # what the gallery has of it


class Station:
    """A loaded model and the nets that measure. One clip is held at a time."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.rig = Rig(setup.spec, setup.weights, setup.device)
        self.meters = load_meters(setup.meters, setup.device) if setup.meters else None
        self.rows = [name for name, reason in setup.lacking().items() if not reason]

    def measure(self, number: int) -> Measured:
        """Test clip *number* in every row that can be made."""
        with self.clip(number) as clip:
            made = {name: ROWS[name].make(self.rig, clip) for name in self.rows}
            figures = {name: figures_of(result, clip, self.meters) for name, result in made.items()}
            gallery = self.setup.gallery if number < SHOWN else None
            return Measured(number, figures, show(clip, made, gallery) if gallery else None)

    @contextmanager
    def clip(self, number: int) -> Iterator[Clip]:
        setup = self.setup
        frames = setup.frames_of(number)
        with rendered(
            self.rig.engine, TEST_SEEDS[number], frames=frames, size_px=setup.size_px, device=setup.device
        ) as clip:
            yield clip


@torch.no_grad()
def figures_of(made: Made, clip: Clip, meters: Meters | None) -> Figures:
    result = made.frames.to(clip.truth.result.device)
    with _exactly():
        figures = measure(result, clip.truth, segments=clip.delivered, meters=meters)
    return figures | {"seconds_per_frame": made.seconds / len(made.frames)}


@contextmanager
def _exactly() -> Iterator[None]:
    """Convolutions in whole float32: by itself a GPU gives them ten bits, and the figures would not be a CPU's."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
