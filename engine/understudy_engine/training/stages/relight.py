"""Stage 7: the relighting LoRA alone, on the frozen model: the same replacement, but in the plate's light."""

from __future__ import annotations

from .flow_task import FlowCourse
from .inputs import Aim
from .samples import SampleMix
from .stage import Stage
from .trainer import Recipe
from .transformer_stage import stage_of

LORA = "relighting"

COURSE = FlowCourse(name="relight", mix=SampleMix(aims={Aim.LIT: 1.0}, views=2), lora=LORA)
RECIPE = Recipe(steps=3000, learning_rate=2e-3, warmup=100, betas=(0.9, 0.98), weight_decay=0.0)
STAGE: Stage = stage_of(COURSE, RECIPE)
