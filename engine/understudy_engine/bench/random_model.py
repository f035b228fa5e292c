"""Networks of any size with random weights made on their device, and something random to put through them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..model.configs import ModelSpec
from ..model.transformer import WanAnimateTransformer
from ..model.vae import WanVae
from ..types import FrameSize

IMAGE_TOKENS = 257  # of the released image encoder
PIXELS = 8  # that a latent is wide
BIAS, SPREAD = 0.1, 0.1  # of biases, and of factors around one


def random_transformer(
    spec: ModelSpec, dtype: torch.dtype, device: torch.device, seed: int = 0
) -> WanAnimateTransformer:
    """The same weights in every *dtype*, since all are drawn in 16 bits but those that stay float32 anyhow."""
    with torch.device("meta"):
        net = WanAnimateTransformer(spec.transformer, spec.face)
    delicate = net.float32_parts

    def dtypes(name: str) -> tuple[torch.dtype, torch.dtype]:
        is_delicate = any(part in name for part in delicate)
        return (torch.float32, torch.float32) if is_delicate else (torch.bfloat16, dtype)

    _fill(net, dtypes, device, seed)
    return net


def random_vae(spec: ModelSpec, dtype: torch.dtype, device: torch.device, seed: int = 0) -> WanVae:
    """The same weights in every *dtype*."""
    with torch.device("meta"):
        vae = WanVae(spec.vae)
    _fill(vae, lambda name: (torch.bfloat16, dtype), device, seed)
    return vae


def random_segment(
    spec: ModelSpec, frames: int, size: FrameSize, device: torch.device, seed: int = 1
) -> tuple[Tensor, dict[str, Tensor]]:
    """Noisy latents, and the arguments of WanAnimateTransformer.prepare, float32, for *frames* = 4n + 1."""
    make, net = torch.Generator(device).manual_seed(seed), spec.transformer
    count, height, width = (frames - 1) // 4 + 1, size.height // PIXELS, size.width // PIXELS
    side = spec.face.size_px

    def draw(*shape: int) -> Tensor:
        return torch.randn(1, *shape, device=device, generator=make)

    given = {
        "y": draw(net.in_channels - net.latent_channels, count + 1, height, width),
        "pose_latents": draw(net.latent_channels, count, height, width),
        "context": draw(net.text_len, net.text_dim),
        "image_tokens": draw(IMAGE_TOKENS, net.image_dim),
        "faces": torch.rand(1, frames, 3, side, side, device=device, generator=make) * 2 - 1,
    }
    return draw(net.latent_channels, count + 1, height, width), given


def _fill(
    net: nn.Module,
    dtypes: Callable[[str], tuple[torch.dtype, torch.dtype]],
    device: torch.device,
    seed: int,
) -> None:
    """*dtypes* of a name: what its numbers are drawn in, and what they become."""
    make, state = torch.Generator(device).manual_seed(seed), {}
    for name, empty in net.state_dict().items():
        drawn, wanted = dtypes(name)
        noise = torch.randn(empty.shape, device=device, dtype=drawn, generator=make)
        state[name] = spread(name, noise).to(wanted)
    net.load_state_dict(state, assign=True)
    net.eval().requires_grad_(False)


def spread(name: str, noise: Tensor) -> Tensor:
    """*noise* as the weight *name*, so that what goes through the network keeps its magnitude."""
    if name.endswith("bias"):
        return noise * BIAS
    if noise.ndim == 1 or name.endswith("gamma"):
        return 1 + SPREAD * noise
    if name.endswith("modulation"):
        return noise / math.sqrt(noise.shape[-1])
    if name.startswith("motion_encoder"):  # its layers divide by their width themselves
        return noise
    return noise / math.sqrt(max(1, noise[0].numel()))
