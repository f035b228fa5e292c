"""Fits the linear map from nano's latents to RGB that its previews can be made with, and says how well it does.

    .venv/bin/python scripts/fit_preview.py

Each cell of 8x8 pixels and four frames is to have its mean colour. Fitted to clips of the studio that nothing is
trained or measured with; the error is that of others of them. The table it prints is in diffusion/preview.py.
"""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from torch import Tensor

from understudy_engine.model.configs import NANO
from understudy_engine.model.vae import WanVae
from understudy_engine.training.studio.clips import render_clips
from understudy_engine.weights.installed import find_weights
from understudy_engine.weights.load import load_vae
from understudy_engine.weights.sources import open_source

SEEDS = range(7_700_000, 7_700_016)
HELD_OUT = 4
FRAMES, SIDE = 9, 256


@torch.inference_mode()
def main() -> None:
    vae = load_vae(NANO, open_source(find_weights(NANO.name)), device=torch.device("cpu"))
    samples = [cells(vae, seed) for seed in SEEDS]
    latents, colours = (torch.cat(parts) for parts in zip(*samples[:-HELD_OUT], strict=True))
    table = torch.linalg.lstsq(_with_one(latents), colours).solution  # (16 + 1, 3)
    for row in table.tolist():
        print("    (" + ", ".join(f"{value:.4f}" for value in row) + "),")
    others, truth = (torch.cat(parts) for parts in zip(*samples[-HELD_OUT:], strict=True))
    print(f"linear, mean colours of cells: {psnr(_with_one(others) @ table, truth):.1f} dB")
    compare(vae, table)


def compare(vae: WanVae, table: Tensor) -> None:
    """Both kinds of preview of a first frame, at half the frame's size, against the frame."""
    linear, decoded, seconds = [], [], [0.0, 0.0]
    for seed in SEEDS[-HELD_OUT:]:
        video = plates(seed)
        latent = vae.encode(video)[:, :, :1]
        truth = F.interpolate(video[:, :, 0], scale_factor=0.5, mode="area")
        began = time.perf_counter()
        small = (_with_one(latent[0, :, 0].permute(1, 2, 0)) @ table).permute(2, 0, 1)[None]
        seconds[0] += time.perf_counter() - began
        linear.append(psnr(F.interpolate(small, scale_factor=4, mode="bilinear"), truth))
        began = time.perf_counter()
        frame = vae.decode(latent)[:, :, 0]
        seconds[1] += time.perf_counter() - began
        decoded.append(psnr(F.interpolate(frame, scale_factor=0.5, mode="area"), truth))
    for name, values, total in (("linear", linear, seconds[0]), ("decoded", decoded, seconds[1])):
        print(
            f"{name}: {sum(values) / HELD_OUT:.1f} dB of the frame at half size, {1000 * total / HELD_OUT:.1f} ms"
        )


def cells(vae: WanVae, seed: int) -> tuple[Tensor, Tensor]:
    """Latents (n, 16) of a clip, and the mean colour (n, 3) in [-1, 1] of each one's cell."""
    video = plates(seed)
    latents = vae.encode(video)[0, :, 1:]  # (16, L, h, w); the first latent has one frame alone
    means = F.avg_pool3d(video[:, :, 1:], (4, 8, 8))[0]  # (3, L, h, w)
    return latents.flatten(1).T, means.flatten(1).T


def plates(seed: int) -> Tensor:
    """(1, 3, T, H, W) in [-1, 1]."""
    plate = render_clips([seed], frames=FRAMES, size=SIDE, device="cpu").plate
    return plate.float().div(127.5).sub(1).transpose(1, 2)


def psnr(made: Tensor, truth: Tensor) -> float:
    """In dB, of values in [-1, 1]."""
    return float(10 * torch.log10(4 / (made.clamp(-1, 1) - truth).square().mean()))


def _with_one(values: Tensor) -> Tensor:
    return torch.cat([values, torch.ones_like(values[..., :1])], dim=-1)


if __name__ == "__main__":
    main()
