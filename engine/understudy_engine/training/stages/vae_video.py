"""Stage 2: the VAE on clips of 17 frames, going on from stage 1.

Crops of 128 px; the last fifth of the steps belongs to *vae_video_full*, whole pictures of 256 px.
"""

from __future__ import annotations

from dataclasses import replace

from .stage import Setup, Stage, StageTask
from .trainer import Recipe
from .vae_bank import Mix
from .vae_task import VaeCourse, vae_task

COURSE = VaeCourse(
    name="vae_video",
    frames=17,
    crop_px=128,
    batch=8,
    bank_clips=1024,
    first_clips=128,
    more_clips=32,
    more_every=200,
    mix=Mix(shares=(0.66, 0.04, 0.14, 0.10, 0.06)),
)
FULL = replace(COURSE, name="vae_video_full", crop_px=256, batch=4)
RECIPE = Recipe(steps=8_000, learning_rate=5e-4, warmup=200, weight_decay=0.0)
FULL_RECIPE = Recipe(steps=2_000, learning_rate=1e-4, warmup=100, weight_decay=0.0)


def build(setup: Setup) -> StageTask:
    return vae_task(setup, COURSE)


def build_full(setup: Setup) -> StageTask:
    return vae_task(setup, FULL)


STAGE = Stage(name=COURSE.name, recipe=RECIPE, build=build)
FULL_STAGE = Stage(name=FULL.name, recipe=FULL_RECIPE, build=build_full)
