"""The VAE over a whole clip at once, as two-dimensional convolutions: what trains it.

The same numbers as WanVae gives chunk by chunk (a test holds that), without its memory between chunks. A
convolution over three frames becomes one over a frame with the two before it laid beneath as channels, which
every device runs quickly; of a clip of one frame nothing but each last tap is computed. Frames travel as
(B·T, C, H, W).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...model.vae import (
    LATENT_MEAN,
    LATENT_STD,
    CausalConv3d,
    ChannelNorm,
    Downsample,
    ResBlock,
    SpatialAttention,
    Upsample,
    WanVae,
)


def encode(vae: WanVae, video: Tensor) -> Tensor:
    """video (B, 3, T, H, W) in [-1, 1], T = 4n + 1 -> (B, z_dim, n + 1, H/8, W/8), normalised."""
    x, frames = _frames(video), video.shape[2]
    encoder = vae.encoder
    x = _causal(encoder.conv_in, x, frames)
    for stage in (*encoder.stages, *encoder.middle):
        x, frames = _stage(stage, x, frames)
    x = _causal(encoder.conv_out, _active(encoder.norm_out, x), frames)
    mean = _causal(vae.moments, x, frames)[:, : vae.spec.z_dim].float()
    normalised = (mean - _per_channel(LATENT_MEAN, mean)) / _per_channel(LATENT_STD, mean)
    return _video(normalised, frames)


def decode(vae: WanVae, latents: Tensor) -> Tensor:
    """Normalised latents (B, z_dim, n + 1, h, w) -> (B, 3, 4n + 1, 8h, 8w) float32, not clamped."""
    x, frames = _frames(latents), latents.shape[2]
    decoder = vae.decoder
    x = _causal(vae.unpack, x * _per_channel(LATENT_STD, x) + _per_channel(LATENT_MEAN, x), frames)
    x = _causal(decoder.conv_in, x, frames)
    for stage in (*decoder.middle, *decoder.stages):
        x, frames = _stage(stage, x, frames)
    return _video(_causal(decoder.conv_out, _active(decoder.norm_out, x), frames).float(), frames)


def _stage(stage: nn.Module, x: Tensor, frames: int) -> tuple[Tensor, int]:
    """What *stage* makes of *x*, and how many frames a clip has then."""
    if isinstance(stage, ResBlock):
        return _res_block(stage, x, frames), frames
    if isinstance(stage, SpatialAttention):
        return _attend(stage, x), frames
    if isinstance(stage, Downsample):
        return _downsample(stage, x, frames)
    if isinstance(stage, Upsample):
        return _upsample(stage, x, frames)
    raise TypeError(f"{type(stage).__name__} is no stage of the VAE")


def _res_block(block: ResBlock, x: Tensor, frames: int) -> Tensor:
    h = _causal(block.conv1, _active(block.norm1, x), frames)
    h = _causal(block.conv2, _active(block.norm2, h), frames)
    return h + (x if block.shortcut is None else _causal(block.shortcut, x, frames))


def _attend(layer: SpatialAttention, x: Tensor) -> Tensor:
    qkv = F.conv2d(_norm(layer.norm, x), layer.qkv.weight, layer.qkv.bias)
    q, k, v = qkv.flatten(2).transpose(1, 2)[:, None].chunk(3, dim=-1)  # (B·T, 1, H·W, C)
    attended = F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2).unflatten(2, x.shape[2:])
    return x + F.conv2d(attended, layer.proj.weight, layer.proj.bias)


def _downsample(stage: Downsample, x: Tensor, frames: int) -> tuple[Tensor, int]:
    x = F.conv2d(F.pad(x, (0, 1, 0, 1)), stage.conv.weight, stage.conv.bias, stride=2)
    if stage.time_conv is None or frames == 1:
        return x, frames
    clips = x.unflatten(0, (-1, frames))  # (B, T, C, H, W)
    triples = torch.cat([clips[:, 0:-2:2], clips[:, 1:-1:2], clips[:, 2::2]], dim=2)
    halved = _taps(triples.flatten(0, 1), stage.time_conv).unflatten(0, (len(clips), -1))
    return torch.cat([clips[:, :1], halved], dim=1).flatten(0, 1), (frames + 1) // 2


def _upsample(stage: Upsample, x: Tensor, frames: int) -> tuple[Tensor, int]:
    if stage.time_conv is not None and frames > 1:
        clips = x.unflatten(0, (-1, frames))
        rest = clips[:, 1:].flatten(0, 1)  # begins with no history, not even the first frame
        pairs = _causal(stage.time_conv, rest, frames - 1).unflatten(1, (2, -1)).flatten(0, 1)
        x = torch.cat([clips[:, :1], pairs.unflatten(0, (len(clips), -1))], dim=1).flatten(0, 1)
        frames = 2 * frames - 1
    x = F.interpolate(x, scale_factor=2.0, mode="nearest-exact")
    return F.conv2d(x, stage.conv.weight, stage.conv.bias, padding=1), frames


def _causal(conv: CausalConv3d, x: Tensor, frames: int) -> Tensor:
    """A convolution over each frame and the lookback before it, zeros before the first."""
    padding = conv.margin[1:]
    if not conv.lookback or frames == 1:
        return F.conv2d(x, conv.weight[:, :, -1], conv.bias, padding=padding)
    clips = x.permute(0, 2, 3, 1).unflatten(0, (-1, frames))  # (B, T, H, W, C): channels stay the innermost
    padded = F.pad(clips, (*[0] * 6, conv.lookback, 0))
    delayed = torch.cat([padded[:, k : k + frames] for k in range(conv.lookback + 1)], dim=4)
    return _taps(delayed.flatten(0, 1).permute(0, 3, 1, 2), conv, padding)


def _taps(x: Tensor, conv: nn.Conv3d, padding: tuple[int, ...] = (0, 0)) -> Tensor:
    """x (n, taps·C, H, W): the frames under the kernel's taps, the earliest first."""
    kernel = conv.weight.transpose(1, 2).flatten(1, 2)  # (O, taps·C, kh, kw)
    return F.conv2d(x, kernel, conv.bias, padding=padding)


def _active(norm: ChannelNorm, x: Tensor) -> Tensor:
    return F.silu(_norm(norm, x))


def _norm(norm: ChannelNorm, x: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32).clamp_min(1e-12)
    scaled: Tensor = x * (x.shape[1] ** 0.5 / length).to(x.dtype) * norm.gamma.view(-1, 1, 1).to(x.dtype)
    return scaled


def _frames(video: Tensor) -> Tensor:
    """(B, C, T, H, W) -> (B·T, C, H, W)"""
    return video.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)


def _video(frames: Tensor, count: int) -> Tensor:
    video: Tensor = frames.unflatten(0, (-1, count)).transpose(1, 2)
    return video


def _per_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return like.new_tensor(values[: like.shape[1]]).view(1, -1, 1, 1)
