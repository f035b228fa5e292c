"""What a stage is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ...model.configs import NANO, FaceSpec, ModelSpec, PatchEncoderSpec, TransformerSpec, VaeSpec
from .footage import Footage
from .quick import Compile
from .ranks import ALONE, Ranks
from .trainer import Recipe, Task

TOY = replace(
    NANO,
    transformer=TransformerSpec(
        dim=32,
        heads=2,
        ffn_dim=64,
        layers=2,
        face_every=1,
        text_dim=8,
        text_len=4,
        image_dim=16,
        freq_dim=32,
        preconditioned=True,
    ),
    face=FaceSpec(
        size_px=16, channels=(4, 8, 8), style_dim=16, motion_dim=4, encoder_dim=16, encoder_heads=2
    ),
    vae=VaeSpec(dim=4, dim_mult=(1, 2, 2, 2), res_blocks=1),
    image=PatchEncoderSpec(image_px=32, patch_px=8, dim=16, layers=1, heads=2),
    segment_frames=9,
)
TOY_PX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    spec: ModelSpec
    footage: Footage
    weights: Path | None = None  # folder with the finished VAE, for the stages after it
    bank: Path | None = None  # file of encoded samples that stages after the VAE hand on to each other
    compile_: Compile = Compile.NONE
    batch: int | None = None  # None: the stage's own
    clips: int | None = None  # rendered before training begins; None: as many as the stage wants
    frames: int | None = None  # of a segment, 4n + 1, for the stages after the VAE; None: as the stage has it
    render_share: float | None = None  # of the time, for more clips; None: as the stage has it
    ranks: Ranks = ALONE
    toy: bool = False


class Course(Protocol):
    @property
    def batch(self) -> int: ...


class StageTask(Task, Protocol):
    @property
    def course(self) -> Course: ...

    def keep(self) -> None:
        """Every rank keeps what its next stage needs."""
        ...

    def finish(self, out: Path) -> dict[str, float]:
        """With the averaged weights in the model: writes what the next stage needs and a sample sheet, and measures."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """*toy* is the recipe of a run that shows in seconds that everything holds together."""

    name: str
    recipe: Recipe
    build: Callable[[Setup], StageTask]

    def recipe_for(self, *, toy: bool, steps: int | None) -> Recipe:
        recipe = replace(self.recipe, steps=20, warmup=2, log_every=5) if toy else self.recipe
        return recipe if steps is None else replace(recipe, steps=steps)
