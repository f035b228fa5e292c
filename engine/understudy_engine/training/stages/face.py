"""Stage 4: face control. The face's own modules alone learn to move the expression; the rest stands still."""

from __future__ import annotations

from .body import of_face
from .flow_task import Drops, FlowCourse
from .inputs import Aim
from .samples import SampleMix
from .stage import Stage
from .trainer import Recipe
from .transformer_stage import stage_of

COURSE = FlowCourse(
    name="face",
    mix=SampleMix(aims={Aim.ANIMATE: 1.0}, views=2),
    drops=Drops(pose=0.0, face=0.05, reference=0.0),
    trained=of_face,
)
RECIPE = Recipe(steps=2000, learning_rate=3e-3, muon=2.0, warmup=100, betas=(0.9, 0.98))
STAGE: Stage = stage_of(COURSE, RECIPE)
