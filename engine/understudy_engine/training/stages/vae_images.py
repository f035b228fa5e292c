"""Stage 1: the VAE on single pictures, in crops of 128 px. Video from the start does not train (nano_trial)."""

from __future__ import annotations

from .stage import Setup, Stage, StageTask
from .trainer import Recipe
from .vae_task import VaeCourse, vae_task

COURSE = VaeCourse(
    name="vae_images",
    frames=1,
    crop_px=128,
    batch=64,
    bank_clips=4096,
    first_clips=1024,
    more_clips=128,
    more_every=200,
)
RECIPE = Recipe(steps=20_000, learning_rate=1e-3, warmup=100, weight_decay=0.0)


def build(setup: Setup) -> StageTask:
    return vae_task(setup, COURSE)


STAGE = Stage(name=COURSE.name, recipe=RECIPE, build=build)
