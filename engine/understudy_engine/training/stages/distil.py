"""Stage 8: four steps instead of eight and more, as a LoRA.

Progressive distillation at a fixed schedule (Salimans and Ho, https://arxiv.org/abs/2202.00512, algorithm 2,
with SUBSTEPS of the teacher's for one of the student's instead of two): from a noisy latent at one of the four
levels, the frozen model walks to the next level in small Euler steps, and the LoRA learns the one straight step
that ends there. At inference: four Euler steps at the engine's shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import torch
from torch import Tensor

from ...config import ResolvedSampling, resolve_sampling
from ...diffusion.schedule import make_schedule
from ...types import Sampling, Solver
from .flow_task import FlowCourse, FlowTask, clean_latents, loss_weight, mixed_with, timestep
from .inputs import Aim
from .linear import set_strength
from .relight import LORA as RELIGHTING
from .samples import SampleMix
from .stage import Setup, Stage
from .trainer import Recipe
from .transformer_stage import stage_of

LORA = "four_step"
STEPS, SUBSTEPS = 4, 4
TURNS = (Aim.LIT, Aim.ANIMATE, Aim.LIT, Aim.UNLIT)


class DistilTask(FlowTask):
    """Batches of each aim in turn; with Aim.LIT the relighting LoRA is on, in teacher and student."""

    def __init__(self, setup: Setup, course: FlowCourse) -> None:
        super().__init__(setup, course)
        self.fine = make_schedule(Solver.EULER, STEPS * SUBSTEPS, setup.spec.sampling.shift)
        self._sigmas = torch.tensor(self.fine.sigmas, device=setup.footage.device)
        self._turns = cycle(TURNS)

    def _prepare_parameters(self) -> None:
        self.model.add_lora(RELIGHTING, self.course.lora_rank)  # the checkpoint of its stage fills it
        super()._prepare_parameters()

    def light_for(self, aim: Aim) -> None:
        set_strength(self.model, RELIGHTING, float(aim is Aim.LIT))

    def sampling(self) -> ResolvedSampling:
        return resolve_sampling(Sampling(steps=STEPS, solver=Solver.EULER), self.spec)

    def _samples(self, generator: torch.Generator) -> dict[str, Tensor]:
        aim = next(self._turns)
        self.light_for(aim)
        return self.bank.draw(self.course.batch, generator, aim)

    def losses(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        clean = clean_latents(batch)
        sigmas = self._sigmas
        first = (batch["sigma"] * 1e6).long() % STEPS * SUBSTEPS  # each of the four as often
        start, end = sigmas[first], sigmas[first + SUBSTEPS]
        noisy = mixed_with(clean, batch["noise"], start)
        walked = self._walked(noisy, first, sigmas, batch)
        target = (walked - noisy) / (end - start).view(-1, 1, 1, 1, 1)
        made = self.model(noisy, timestep(start), self.model.prepare(batch))
        error = (made - target).square().mean(dim=1)
        share = loss_weight(batch)
        return {"loss": (share * error).mean() / share.mean(), "plain": error[:, 1:].detach().mean()}

    @torch.no_grad()
    def _walked(self, latents: Tensor, first: Tensor, sigmas: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Where the teacher comes to in its small steps."""
        set_strength(self.model, LORA, 0.0)
        inputs = self.model.prepare(batch)
        for k in range(SUBSTEPS):
            here, there = sigmas[first + k], sigmas[first + k + 1]
            velocity = self.model(latents, timestep(here), inputs)
            latents = latents + (there - here).view(-1, 1, 1, 1, 1) * velocity
        set_strength(self.model, LORA, 1.0)
        return latents


COURSE = FlowCourse(
    name="distil",
    mix=SampleMix(aims={Aim.ANIMATE: 0.25, Aim.UNLIT: 0.25, Aim.LIT: 0.5}, views=2),
    lora=LORA,
)
RECIPE = Recipe(steps=2000, learning_rate=1e-3, warmup=100, betas=(0.9, 0.98), weight_decay=0.0)
STAGE: Stage = stage_of(COURSE, RECIPE, DistilTask)
