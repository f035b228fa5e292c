"""Pictures made worse at random, as cameras, codecs and generating models do: what the small nets must bear."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 8


def spoil(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """(N, 3, H, W) in 0-1, H and W multiples of 8 -> the same with other colours, softer, noisier, compressed.

    Each picture has its own strength of each, and about half of them have none.
    """
    pictures = recolour(pictures, generator)
    pictures = soften(pictures, generator)
    pictures = compress(pictures, 0.25 * _amounts(pictures, generator, 0.5))
    noise = torch.randn(pictures.shape, generator=generator, device=pictures.device)
    return (pictures + noise * 0.07 * _amounts(pictures, generator, 0.5)).clamp(0, 1)


def recolour(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Other exposure, white balance, contrast and saturation."""

    def around(low: float, high: float, channels: int = 1) -> Tensor:
        u = torch.rand(len(pictures), channels, 1, 1, generator=generator, device=pictures.device)
        return low * (high / low) ** u

    grey = pictures.mean(dim=1, keepdim=True)
    pictures = grey + (pictures - grey) * around(0.5, 1.3)
    return (pictures * around(0.85, 1.18, 3)).clamp(1e-4, 1) ** around(0.65, 1.5)


def soften(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Fine detail partly lost, as after a small VAE: mixed with a copy of half, or of a quarter, the size."""
    for factor, chance in ((2, 0.6), (4, 0.25)):
        small = F.avg_pool2d(pictures, factor)
        soft = F.interpolate(small, scale_factor=float(factor), mode="bilinear", align_corners=False)
        pictures = torch.lerp(pictures, soft, _amounts(pictures, generator, chance))
    return pictures


def compress(pictures: Tensor, step: Tensor) -> Tensor:
    """Cosine coefficients of 8 x 8 blocks rounded, as in JPEG: (N, 3, H, W); *step* (N, 1, 1, 1), 0 = not at all."""
    basis = _cosines(pictures.device)
    blocks = pictures.unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK)  # (N, 3, h, w, 8, 8)
    coefficients = basis @ blocks @ basis.T
    order = torch.arange(BLOCK, device=pictures.device)
    quantum = (0.25 + (order[:, None] + order) / 4) * step[..., None, None].clamp(min=1e-4)
    rounded = basis.T @ ((coefficients / quantum).round() * quantum) @ basis
    return rounded.transpose(3, 4).reshape(pictures.shape)


def _cosines(device: torch.device) -> Tensor:
    k = torch.arange(BLOCK, device=device, dtype=torch.float32)
    basis = torch.cos(math.pi / BLOCK * (k + 0.5) * k[:, None]) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    return basis


def _amounts(pictures: Tensor, generator: torch.Generator, chance: float) -> Tensor:
    """(N, 1, 1, 1): 0 to 1 for a part *chance* of the pictures, 0 for the others."""
    u = torch.rand(2, len(pictures), 1, 1, 1, generator=generator, device=pictures.device)
    return u[0] * (u[1] < chance)
