"""Stage 6: replacement, the character in its picture's light on the plate; Animate goes on beside it."""

from __future__ import annotations

from .flow_task import FlowCourse
from .inputs import Aim
from .samples import SampleMix
from .stage import Stage
from .trainer import Recipe
from .transformer_stage import stage_of

COURSE = FlowCourse(name="replace", mix=SampleMix(aims={Aim.ANIMATE: 0.35, Aim.UNLIT: 0.65}, views=2))
RECIPE = Recipe(steps=20_000, learning_rate=2.5e-3, muon=2.0, warmup=200, betas=(0.9, 0.98))
STAGE: Stage = stage_of(COURSE, RECIPE)
