"""What all stages after the VAE do: learn the velocity of the flow, on segments as the engine makes them.

x = (1 - sigma)·clean + sigma·noise, and the model learns noise - clean (Lipman et al., "Flow Matching for
Generative Modeling", https://arxiv.org/abs/2210.02747), at levels shifted towards noise as at inference. The
reference's frame stands first in the latents and is denoised like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ...config import ResolvedSampling, resolve_sampling
from ...diffusion.sampler import make_stepper
from ...diffusion.schedule import TRAIN_STEPS, UNIPC_SIGMA_MAX, make_schedule
from ...errors import WeightsMissing
from ...model.vae import WanVae
from ...types import Sampling
from ...weights.load import load_vae
from ...weights.sources import WeightFolder
from . import one_pass
from .footage import CLIPS_AT_ONCE
from .inputs import Aim
from .nano import Nano
from .pace import Pace
from .pictures import sheet, write_png
from .quick import Compile, quick
from .samples import SampleBank, SampleMix
from .stage import Setup
from .vae_task import psnr

EXPRESSION_WEIGHT = 0.5  # of the expression read from the motion vectors, in the loss
REFERENCE_WEIGHT = 0.25  # of the reference's frame in the loss: what is made there is never shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """How often a sample goes without what guides it, so that the model also knows how to do without."""

    pose: float = 0.03
    face: float = 0.05
    reference: float = 0.01
    reference_pose: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCourse:
    """The numbers of a stage."""

    name: str
    mix: SampleMix = field(default_factory=SampleMix)
    drops: Drops = field(default_factory=Drops)
    trained: Callable[[str], bool] = lambda name: True  # by parameter name
    lora: str = ""  # the LoRA that is trained alone on the frozen model, if any
    lora_rank: int = 4
    shift: float = 5.0  # of training's noise levels; the engine's default at inference
    batch: int = 48
    frames: int | None = None  # of a segment; None: the model's own number
    bank_clips: int = 16_000
    first_clips: int = 15 * CLIPS_AT_ONCE
    more_clips: int = CLIPS_AT_ONCE  # rendered and encoded at a time
    render_share: float = 0.4  # of the time after the first clips that goes to more of them
    asked_every: int = 8  # steps, whether it is time for more


class FlowTask:
    def __init__(self, setup: Setup, course: FlowCourse) -> None:
        self.name, self.course, self.spec, self.footage = course.name, course, setup.spec, setup.footage
        device = setup.footage.device
        self.model = Nano(setup.spec, device)
        self._prepare_parameters()
        vae = load_vae(setup.spec, WeightFolder(_weights(setup)), device=device)
        self._bank_file = setup.bank
        self.bank = self._opened_bank(setup, vae)
        self._pace, self._ranks, self._drawn = Pace(course.render_share, device), setup.ranks, 0
        self._velocity = self._plain_velocity
        if setup.compile_ is Compile.GRAPHS:
            self._velocity = quick(self._plain_velocity, setup.compile_)
        elif setup.compile_ is not Compile.NONE:
            for block in self.model.transformer.blocks:
                block.compile(dynamic=False)

    def _opened_bank(self, setup: Setup, vae: WanVae) -> SampleBank:
        course = self.course
        bank = SampleBank(
            setup.footage, vae, setup.spec, room=course.bank_clips, frames=self._frames, mix=course.mix
        )
        if setup.bank and setup.bank.exists():
            bank.load(setup.bank)
        bank.fill_up(course.first_clips)
        return bank

    @property
    def _frames(self) -> int:
        return self.course.frames or self.spec.segment_frames

    def _prepare_parameters(self) -> None:
        if self.course.lora:
            self.model.requires_grad_(False)
            self.model.add_lora(self.course.lora, self.course.lora_rank)
            return
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(self.course.trained(name))

    def seeds(self) -> tuple[tuple[int, int], ...]:
        return self.footage.used()

    def plain(self) -> None:
        self._velocity = self._plain_velocity
        for block in self.model.transformer.blocks:
            block._compiled_call_impl = None  # undoes Module.compile

    # ---- A step

    def draw(self, generator: torch.Generator) -> dict[str, Tensor]:
        course = self.course
        self._refresh()
        batch = self._dropped(self._samples(generator), generator)
        clean = clean_latents(batch)
        device = clean.device
        batch["noise"] = torch.randn(clean.shape, device=device, generator=generator)
        line = torch.rand(len(clean), device=device, generator=generator) * UNIPC_SIGMA_MAX
        batch["sigma"] = shifted(line, course.shift)
        return batch

    def _refresh(self) -> None:
        """More clips, if it is time to make them.

        All ranks make them at the same step, or they would wait for each other in turn.
        """
        self._drawn += 1
        if self._drawn % self.course.asked_every:
            return
        if self._ranks.any(self._pace.due(), self.footage.device):
            with self._pace.work():
                self.bank.fill(self.course.more_clips)

    def _samples(self, generator: torch.Generator) -> dict[str, Tensor]:
        return self.bank.draw(self.course.batch, generator)

    def _dropped(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        drops, count = self.course.drops, len(batch["pose"])

        def chosen(share: float) -> Tensor:
            drawn = torch.rand(count, device=batch["pose"].device, generator=generator) < share
            return drawn.view(-1, 1, 1, 1, 1)

        batch["pose"] = torch.where(chosen(drops.pose), self.bank.no_pose, batch["pose"])
        none = self.bank.no_pose[:, :, :1]
        batch["reference_pose"] = torch.where(chosen(drops.reference_pose), none, batch["reference_pose"])
        batch["faces"] = torch.where(chosen(drops.face), -1.0, batch["faces"])  # as the engine says "no face"
        blank = chosen(drops.reference)
        batch["reference"] = torch.where(blank, 0.0, batch["reference"])
        batch["picture"] = torch.where(blank[..., 0], 0.0, batch["picture"])
        return batch

    def losses(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        clean, sigma = clean_latents(batch), batch["sigma"]
        noisy = mixed_with(clean, batch["noise"], sigma)
        velocity, expression = self._velocity(noisy, timestep(sigma), batch)
        error = (velocity - (batch["noise"] - clean)).square().mean(dim=1)  # (B, L + 1, h, w)
        share = loss_weight(batch)
        read = expression_error(expression, batch)
        loss = (share * error).mean() / share.mean() + EXPRESSION_WEIGHT * read
        return {"loss": loss, "plain": error[:, 1:].detach().mean(), "expression": read.detach()}

    def _plain_velocity(
        self, noisy: Tensor, level: Tensor, batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """And the expression that the motion vectors tell, (B, T, 8)."""
        motion = self.model.motion(batch["faces"])
        velocity: Tensor = self.model(noisy, level, self.model.prepared(batch, motion))
        return velocity, self.model.expression(motion)

    # ---- The end of a run; the model holds the averaged weights

    def keep(self) -> None:
        """What the next stage goes on with, beside the checkpoint."""
        if self._bank_file:
            self.bank.save(self._bank_file)

    def finish(self, out: Path) -> dict[str, float]:
        figures, rows = self.look()
        write_png(out / "sheet.png", sheet(rows))
        return figures | {"fresh_clips": float(sum(end - first for first, end in self.seeds()))}

    @torch.no_grad()
    def look(self, clips: int = 8) -> tuple[dict[str, float], list[Tensor]]:
        """Held-out clips through the engine's own steps: PSNR in dB of each aim, in the person and all over,
        and rows of known frame, truth and result."""
        figures: dict[str, float] = {}
        rows: list[Tensor] = []
        clips = min(clips, self.course.bank_clips)
        for aim in self.course.mix.aims:
            mix = SampleMix(aims={aim: 1.0}, overlaps={0: 1.0})
            held = SampleBank(
                self.footage.held_out(), self.bank.vae, self.spec, room=clips, frames=self._frames, mix=mix
            )
            held.fill(clips)
            batch = held.first(clips)
            self.light_for(aim)
            made = self._decoded(self.generate(batch, self.sampling()))
            truth = self._decoded(batch["target"])
            figures |= {f"{aim.name.lower()}_{name}": value for name, value in _scores(made, truth, batch)}
            middle = truth.shape[2] // 2
            known = self._decoded(batch["known"])
            rows += [video[:, :, middle].cpu() for video in (known, truth, made)]
        return figures, rows

    def light_for(self, aim: Aim) -> None:
        """Readies the model for samples of one aim, where LoRAs come and go with it."""

    def sampling(self) -> ResolvedSampling:
        return resolve_sampling(Sampling(), self.spec)

    def generate(self, batch: Mapping[str, Tensor], sampling: ResolvedSampling, seed: int = 0) -> Tensor:
        """The video's latents (B, 16, L, h, w), by the solver and schedule that the engine takes."""
        clean = clean_latents(batch)
        generator = torch.Generator(clean.device).manual_seed(seed)
        latents = torch.randn(clean.shape, device=clean.device, generator=generator)
        inputs = self.model.prepare(batch)
        schedule = make_schedule(sampling.solver, sampling.steps, sampling.shift)
        stepper = make_stepper(sampling.solver, schedule)
        for i, step in enumerate(schedule.timesteps):
            level = torch.full((len(latents),), step, device=latents.device)
            latents = stepper.step(i, latents, self.model(latents, level, inputs))
        return latents[:, :, 1:]

    def _decoded(self, latents: Tensor) -> Tensor:
        return torch.cat([one_pass.decode(self.bank.vae, part).clamp(-1, 1) for part in latents.split(4)])


def clean_latents(batch: Mapping[str, Tensor]) -> Tensor:
    """Reference, then video: (B, 16, L + 1, h, w)."""
    return torch.cat([batch["reference"], batch["target"]], dim=2)


def shifted(line: Tensor, shift: float) -> Tensor:
    """Noise levels from a uniform line, as schedule.py shifts them."""
    return shift * line / (1 + (shift - 1) * line)


def timestep(sigma: Tensor) -> Tensor:
    """What the model is told of a level: whole numbers, cut as in schedule.py."""
    return (sigma.double() * TRAIN_STEPS).long()


def mixed_with(clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    level = sigma.view(-1, 1, 1, 1, 1)
    return (1 - level) * clean + level * noise


def loss_weight(batch: Mapping[str, Tensor]) -> Tensor:
    """(B, L + 1, h, w)"""
    weight = batch["weight"]
    return torch.cat([torch.full_like(weight[:, :1], REFERENCE_WEIGHT), weight], dim=1)


def expression_error(told: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """Mean square over the frames that show a face: told and batch["expression"] (B, T, 8)."""
    shown = (batch["faces"].amax(dim=(2, 3, 4)) > -1).float()  # (B, T)
    error = (told.float() - batch["expression"]).square().mean(dim=2)
    return (error * shown).sum() / shown.sum().clamp_min(1)


def _scores(made: Tensor, truth: Tensor, batch: Mapping[str, Tensor]) -> list[tuple[str, float]]:
    """Against the truth as the VAE shows it, which no transformer can beat."""
    error = (made - truth).square().mean(dim=1)  # (B, T, H, W)
    weight = batch["weight"]
    rest = weight[:, 1:].repeat_interleave(4, dim=1)
    frames = torch.cat([weight[:, :1], rest], dim=1)
    person = nn.functional.interpolate(frames, size=error.shape[2:]) > 1.5
    inside = (error * person).sum() / person.sum().clamp_min(1)
    return [("psnr", float(psnr(error.mean()))), ("person_psnr", float(psnr(inside)))]


def _weights(setup: Setup) -> Path:
    if setup.weights is None:
        raise WeightsMissing(
            "This stage needs the finished VAE. Name the folder of vae.safetensors with --weights."
        )
    return setup.weights
