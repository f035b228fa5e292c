"""What both VAE stages do: reconstruct crops, keep latents normalised, and hand over weights that ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...model.configs import VaeSpec
from ...model.vae import WanVae
from ..measure.likeness import ssim_map
from . import one_pass
from .export import export_vae
from .footage import PERSON, Footage
from .latent_scale import begin_framewise, begin_normalised, channel_statistics, settle
from .pictures import sheet, write_png
from .quick import Compile, mixed, quick
from .stage import Setup
from .vae_bank import Kind, Mix, VaeBank

MEASURED_CLIPS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class VaeCourse:
    """The numbers of a VAE stage.

    The loss is 4·squares + differences + edges·differences of edges + structure·(1 - SSIM) + coarse·(the first three
    of half-sized latents and pictures): latents that mean the same at every scale are easier to make (Kouzelis et
    al. 2025, EQ-VAE, https://arxiv.org/abs/2502.09509), and so are those whose pictures bear noise.
    """

    name: str
    frames: int
    crop_px: int
    batch: int
    bank_clips: int
    first_clips: int  # rendered before training begins
    more_clips: int  # rendered every *more_every* steps
    more_every: int
    noise: float = 0.5  # on latents of variance 1, at most: each clip's own share of it is drawn
    edges: float = 0.5
    structure: float = 0.3  # of 1 - SSIM in the loss
    coarse: float = 0.5
    spread: float = 0.05  # keeps each channel's mean at 0 and its variance at 1
    mix: Mix = field(default_factory=Mix)


class VaeTask:
    def __init__(
        self, vae: WanVae, footage: Footage, course: VaeCourse, *, compile_: Compile = Compile.NONE
    ) -> None:
        self.name, self.model, self.course, self.footage = course.name, vae, course, footage
        self.bank = VaeBank(footage, clips=course.bank_clips, frames=course.frames, mix=course.mix)
        self.bank.fill(course.first_clips)
        self._drawn = 0
        self._forward = quick(self._scores, compile_)

    def seeds(self) -> tuple[tuple[int, int], ...]:
        return self.footage.used()

    def plain(self) -> None:
        """Without compiling from now on."""
        self._forward = self._scores

    def draw(self, generator: torch.Generator) -> Mapping[str, Tensor]:
        course = self.course
        self._drawn += 1
        if self._drawn % course.more_every == 0:
            self.bank.fill(course.more_clips)
        batch = dict(self.bank.draw(course.batch, course.crop_px, generator))
        shape = (course.batch, self.model.spec.z_dim, (course.frames + 3) // 4, *[course.crop_px // 8] * 2)
        device = self.footage.device
        level = torch.rand((course.batch, 1, 1, 1, 1), device=device, generator=generator) * course.noise
        batch["noise"] = torch.randn(shape, device=device, generator=generator) * level
        return batch

    def losses(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        loss, psnr, person_psnr, std = self._forward(batch["video"], batch["weight"], batch["noise"])
        return {"loss": loss, "psnr": psnr, "person_psnr": person_psnr, "latent_std": std}

    def _scores(self, video: Tensor, weight: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        with mixed(video.device):
            latents = one_pass.encode(self.model, video)
            made = one_pass.decode(self.model, latents + noise)
            rows, columns = (side // 2 for side in noise.shape[3:])
            coarse = one_pass.decode(self.model, halved(latents) + noise[..., :rows, :columns])
        mean, std = latents.mean(dim=(0, 2, 3, 4)), latents.std(dim=(0, 2, 3, 4))
        spread = (mean.square() + (std - 1).square()).mean()
        course = self.course
        loss = reconstruction_loss(made, video, weight, course.edges) + course.spread * spread
        if course.coarse:
            loss = loss + course.coarse * reconstruction_loss(
                coarse, halved(video), halved(weight), course.edges
            )
        if course.structure:
            loss = loss + course.structure * structure_loss(made, video, weight)
        squares = (made.detach() - video).square()
        person = (weight >= PERSON).float()
        person_mean = (squares * person).sum() / (3 * person.sum()).clamp_min(1)
        return loss, psnr(squares.mean()), psnr(person_mean), std.detach().mean()

    # ---- The end of a run; the model holds the averaged weights

    def keep(self) -> None:
        """The checkpoint is all there is."""

    def finish(self, out: Path) -> dict[str, float]:
        self.settle_latents()
        export_vae(out, self.model, self.model.spec)
        write_png(out / "sheet.png", sheet(self.pictures()))
        return self.measure(2 if self.course.bank_clips < MEASURED_CLIPS else MEASURED_CLIPS)

    @torch.no_grad()
    def settle_latents(self, batches: int = 8) -> None:
        """Latents of plates and of all else that is encoded come to mean 0 and variance 1."""
        generator = torch.Generator(self.footage.device).manual_seed(1)
        course = self.course
        drawn = (self.bank.draw(course.batch, course.crop_px, generator)["video"] for _ in range(batches))
        settle(self.model, *channel_statistics(one_pass.encode(self.model, video) for video in drawn))

    @torch.no_grad()
    def measure(self, clips: int) -> dict[str, float]:
        """PSNR in dB on held-out clips at full size: whole picture, people, skeletons, cut plates."""
        held = VaeBank(self.footage.held_out(), clips=clips, frames=self.course.frames, mix=self.course.mix)
        held.fill(clips)
        errors: dict[str, list[Tensor]] = {"plate": [], "person": [], "skeleton": [], "cut": []}
        for k in range(clips):
            streams = held.plates[:, k].transpose(1, 2).float().div(127.5).sub(1)  # (3, 3, T, H, W)
            made = one_pass.decode(self.model, one_pass.encode(self.model, streams)).clamp(-1, 1)
            squares = (made - streams).square()
            for name, error in zip(("plate", "skeleton", "cut"), squares, strict=True):
                errors[name].append(error.mean())
            person = (held.weights[k] >= PERSON).float()  # (T, H, W)
            if person.sum() > 0:
                errors["person"].append((squares[0] * person).sum() / (3 * person.sum()))
        return {name: float(psnr(torch.stack(values).mean())) for name, values in errors.items() if values}

    @torch.no_grad()
    def pictures(self, columns: int = 6) -> list[Tensor]:
        """Rows of truth and of what the VAE makes of it, the middle frames: plates, then the other kinds."""
        generator = torch.Generator(self.footage.device).manual_seed(2)
        side = self.footage.size
        rows = []
        for kind in (Kind.PLATE, Kind.CHARACTER, Kind.SKELETON, Kind.CUT):
            shares = tuple(float(k == kind) for k in Kind)
            bank = self.bank
            bank.mix, before = replace(bank.mix, shares=shares), bank.mix
            video = bank.draw(columns, side, generator)["video"]
            bank.mix = before
            made = one_pass.decode(self.model, one_pass.encode(self.model, video))
            middle = video.shape[2] // 2
            rows += [video[:, :, middle].cpu(), made[:, :, middle].cpu()]
        return rows


def vae_task(setup: Setup, course: VaeCourse) -> VaeTask:
    """A stage's task on fresh weights, which the checkpoint of a run before then fills."""
    course = toy_course(course) if setup.toy else course
    course = replace(course, batch=setup.batch or course.batch, first_clips=setup.clips or course.first_clips)
    vae = fresh_vae(setup.spec.vae, setup.footage)
    return VaeTask(vae, setup.footage, course, compile_=setup.compile_)


def toy_course(course: VaeCourse) -> VaeCourse:
    """The same in seconds on a CPU."""
    frames = min(course.frames, 9)
    return replace(
        course, frames=frames, crop_px=32, batch=4, bank_clips=6, first_clips=4, more_clips=1, more_every=5
    )


def fresh_vae(spec: VaeSpec, footage: Footage, seed: int = 0) -> WanVae:
    """Untrained, every frame by itself, latents normalised."""
    torch.manual_seed(seed)
    vae = WanVae(spec)
    begin_framewise(vae)
    vae.to(footage.device)
    bank = VaeBank(footage.held_out(), clips=8, frames=1)
    bank.fill(8)
    generator = torch.Generator(footage.device).manual_seed(0)
    with torch.no_grad():
        video = bank.draw(16, min(128, footage.size), generator)["video"]
        begin_normalised(vae, one_pass.encode(vae, video))
    return vae


def reconstruction_loss(made: Tensor, truth: Tensor, weight: Tensor, edges: float) -> Tensor:
    """made, truth (B, 3, T, H, W), weight (B, 1, T, H, W)."""
    error = made - truth
    share = weight / weight.mean()
    loss = (share * (4 * error.square() + error.abs())).mean()
    if not edges:
        return loss
    across, down = error.diff(dim=4).abs(), error.diff(dim=3).abs()
    return loss + edges * ((share[..., 1:] * across).mean() + (share[..., 1:, :] * down).mean())


def halved(video: Tensor) -> Tensor:
    """(B, C, T, H, W) -> (B, C, T, H/2, W/2), means of four."""
    return F.avg_pool3d(video, (1, 2, 2))


def structure_loss(made: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """1 - SSIM of every frame, where *weight* is: what the mean square forgives, soft edges and lost texture."""
    first, second = ((x.transpose(1, 2).flatten(0, 1) + 1) / 2 for x in (made, truth))
    share = (weight / weight.mean()).flatten(0, 2)  # (B·T, H, W)
    return (share * (1 - ssim_map(first, second))).mean()


def psnr(mean_square: Tensor) -> Tensor:
    """dB, of values in [-1, 1]."""
    return 10 * torch.log10(4 / mean_square.clamp_min(1e-10))
