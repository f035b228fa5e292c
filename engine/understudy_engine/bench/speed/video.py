"""The VAE: seconds, memory, and how far 16 bits are from float32."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...memory_plans import VAE_CHUNK
from ...model.vae import WanVae
from ...ops.fast import plainly
from ..random_model import PIXELS, random_vae
from .bench import Bench
from .record import middle, peak_gb, timed

SMALL = (9, 192, 320)  # frames, rows, columns: for differences
COARSE = (9, 24, 40)  # of which it is made
CARRIED = 1  # frames that a segment begins with


@torch.no_grad()
def video(bench: Bench) -> None:
    dtype = torch.float16 if bench.device.type == "cuda" else torch.float32
    vae = random_vae(bench.spec, dtype, bench.device)
    _exactness(bench, vae)
    vae.chunk = VAE_CHUNK
    for name in bench.sizes:
        if not bench.record.is_late(f"vae_{name}"):
            _speed(bench, vae, name)


def _exactness(bench: Bench, vae: WanVae) -> None:
    make = torch.Generator(bench.device).manual_seed(3)
    coarse = torch.rand(1, 3, *COARSE, device=bench.device, generator=make)
    clip = F.interpolate(coarse, SMALL, mode="trilinear") * 2 - 1
    plain = random_vae(bench.spec, torch.float32, bench.device)
    with plainly():
        latents = plain.encode(clip)
        frames = plain.decode(latents)
    bench.record.row("vae_encode_db", _db(vae.encode(clip), latents), "dB")
    bench.record.row("vae_decode_db", _db(vae.decode(latents), frames), "dB")


def _speed(bench: Bench, vae: WanVae, name: str) -> None:
    size, latents = bench.sizes[name], (bench.frames - 1) // 4 + 1
    clip = torch.rand(1, 3, bench.frames, size.height, size.width, device=bench.device) * 2 - 1
    still = clip.clone()
    still[:, :, CARRIED:] = 0  # as where somebody is animated: grey after the frame of the segment before
    shape = (1, bench.spec.vae.z_dim, latents, size.height // PIXELS, size.width // PIXELS)
    noise = torch.randn(shape, device=bench.device)
    works = {
        f"encode_{name}": lambda: vae.encode(clip),
        f"encode_still_{name}": lambda: vae.encode(still),
        f"decode_{name}": lambda: vae.decode(noise),
    }
    for what, work in works.items():
        peak_gb(bench.device)
        turns = timed(work, bench.device, bench.turns)
        bench.record.row(f"vae_{what}", middle(turns), "s", peak_gb=peak_gb(bench.device))


def _db(made: Tensor, expected: Tensor) -> float:
    """Peak signal to noise, the peak being the range of what is expected."""
    made, expected = made.float(), expected.float()
    span = expected.max() - expected.min()
    return float(10 * torch.log10(span**2 / (made - expected).square().mean().clamp_min(1e-20)))
