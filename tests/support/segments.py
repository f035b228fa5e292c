"""Random segments for tests of the transformer. Needs torch alone, so that a borrowed card can run them."""

from __future__ import annotations

import torch
from torch import Tensor

from understudy_engine.model.configs import ModelSpec


def conditions(
    spec: ModelSpec, batch: int = 1, seed: int = 0, latent: tuple[int, int] = (4, 6)
) -> dict[str, Tensor]:
    """Random arguments of prepare for a segment of the spec's length."""
    make = torch.Generator().manual_seed(seed)
    frames = spec.segment_frames
    latents, sizes, face_px = (frames - 1) // 4 + 1, spec.transformer, spec.face.size_px
    return {
        "y": torch.randn(batch, 20, latents + 1, *latent, generator=make),
        "pose_latents": torch.randn(batch, 16, latents, *latent, generator=make),
        "context": torch.randn(batch, sizes.text_len, sizes.text_dim, generator=make),
        "image_tokens": torch.randn(batch, 5, sizes.image_dim, generator=make),
        "faces": torch.rand(batch, frames, 3, face_px, face_px, generator=make) * 2 - 1,
    }


def noise(spec: ModelSpec, batch: int = 1, latent: tuple[int, int] = (4, 6)) -> Tensor:
    return torch.randn(batch, 16, (spec.segment_frames - 1) // 4 + 2, *latent)
