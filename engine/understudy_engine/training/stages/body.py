"""Stage 3: body control. Animate, from the skeleton and the picture alone; there is no face yet.

The stages follow Wan-Animate (Cheng et al., https://arxiv.org/abs/2509.14055): body, face, both, replacement,
and last the light.
"""

from __future__ import annotations

from .flow_task import Drops, FlowCourse
from .inputs import Aim
from .samples import SampleMix
from .stage import Stage
from .trainer import Recipe
from .transformer_stage import stage_of

FACE_MODULES = ("motion_encoder", "face_encoder", "face_adapters", "expression")


def of_face(name: str) -> bool:
    return any(module in name for module in FACE_MODULES)


COURSE = FlowCourse(
    name="body",
    mix=SampleMix(aims={Aim.ANIMATE: 1.0}, views=2),
    drops=Drops(face=1.0),
    trained=lambda name: not of_face(name),
)
RECIPE = Recipe(steps=6000, learning_rate=3e-3, muon=2.0, warmup=200, betas=(0.9, 0.98))
STAGE: Stage = stage_of(COURSE, RECIPE)
