"""How the VAE's weights begin, and how its latents come to have mean 0 and variance 1 in every channel.

The engine normalises latents with the released VAE's constants. nano keeps them: what its own latents need
beside them is folded into the two 1x1 convolutions that stand at either side of the latent, so that nothing
but weights has to be stored.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ...model.vae import LATENT_MEAN, LATENT_STD, CausalConv3d, Downsample, Upsample, WanVae


@torch.no_grad()
def begin_framewise(vae: WanVae) -> None:
    """Every frame by itself: taps on earlier frames are 0, and a latent holds the last of its four frames, which the
    decoder repeats. Training on pictures leaves it so; training on video goes on from there."""
    for layer in vae.modules():
        if isinstance(layer, CausalConv3d) and layer.lookback:
            layer.weight[:, :, :-1] = 0
        if isinstance(layer, Downsample | Upsample) and layer.time_conv is not None:
            _pass_on(layer.time_conv)


def _pass_on(conv: nn.Conv3d) -> None:
    """The last tap hands its input on, as often as there are outputs for it."""
    c_out, c_in = conv.weight.shape[:2]
    conv.weight.zero_()
    conv.weight[:, :, -1, 0, 0] = torch.eye(c_in).repeat(c_out // c_in, 1)
    if conv.bias is not None:
        conv.bias.zero_()


@torch.no_grad()
def begin_normalised(vae: WanVae, latents: Tensor) -> None:
    """Makes fresh weights give latents of mean 0 and variance 1, and the decoder expect such.

    latents: what the weights give until now, normalised (B, z_dim, L, h, w).
    """
    mean, std = channel_statistics([latents])
    scale_encoder(vae, mean, std)
    constant_mean, constant_std = _constants(vae)
    weight = vae.unpack.weight[:, :, 0, 0, 0]
    vae.unpack.bias -= weight @ (constant_mean / constant_std)  # type: ignore[operator]
    weight /= constant_std


@torch.no_grad()
def settle(vae: WanVae, mean: Tensor, std: Tensor) -> None:
    """Latents of *mean* and *std* (z_dim,), normalised by the constants, come to 0 and 1; pictures stay the same."""
    constant_mean, constant_std = _constants(vae)
    scale_encoder(vae, mean, std)
    weight = vae.unpack.weight[:, :, 0, 0, 0]
    shift = constant_mean + mean * constant_std - std * constant_mean
    vae.unpack.bias += weight @ shift  # type: ignore[operator]
    weight *= std


def scale_encoder(vae: WanVae, mean: Tensor, std: Tensor) -> None:
    """The encoder's side alone."""
    constant_mean, constant_std = _constants(vae)
    z_dim = vae.spec.z_dim
    vae.moments.weight[:z_dim] /= std.view(-1, 1, 1, 1, 1)
    bias = vae.moments.bias
    assert bias is not None
    bias[:z_dim] = (bias[:z_dim] - constant_mean - mean * constant_std) / std + constant_mean


def channel_statistics(latents: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (z_dim,) float32, over latents (B, z_dim, L, h, w)."""
    rows = torch.cat([part.float().transpose(0, 1).flatten(1) for part in latents], dim=1)
    return rows.mean(dim=1), rows.std(dim=1)


def _constants(vae: WanVae) -> tuple[Tensor, Tensor]:
    like, z_dim = vae.unpack.weight, vae.spec.z_dim
    return like.new_tensor(LATENT_MEAN[:z_dim]), like.new_tensor(LATENT_STD[:z_dim])
