"""Stage 5: body and face together, everything trained."""

from __future__ import annotations

from .flow_task import FlowCourse
from .inputs import Aim
from .samples import SampleMix
from .stage import Stage
from .trainer import Recipe
from .transformer_stage import stage_of

COURSE = FlowCourse(name="joint", mix=SampleMix(aims={Aim.ANIMATE: 1.0}, views=2))
RECIPE = Recipe(steps=4000, learning_rate=2.5e-3, muon=2.0, warmup=200, betas=(0.9, 0.98))
STAGE: Stage = stage_of(COURSE, RECIPE)
