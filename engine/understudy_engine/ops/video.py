"""Passes over videos (B, C, T, H, W) that lie in memory with channels innermost. model/vae.py has the plain ones."""

from __future__ import annotations

import torch
from torch import Tensor

from .fast import block_of, is_fused

VALUES_AT_ONCE = 4096  # of a program


def is_fused_video(x: Tensor) -> bool:
    """Whether these take x: 16 bits on a card that has Triton, channels innermost."""
    return is_fused(x) and x.element_size() == 2 and x.is_contiguous(memory_format=torch.channels_last_3d)


def channel_norm_silu(x: Tensor, gamma: Tensor, bias: Tensor | None = None) -> Tensor:
    """SiLU(y / |y| · √C · gamma) over the channels of y = x + bias; statistics in float32."""
    from .triton_kernels import channel_norm

    x = _innermost(x)
    channels, out = x.shape[1], torch.empty_like(x)  # of the same layout
    pixels, block = x.numel() // channels, block_of(channels)
    rows = max(1, VALUES_AT_ONCE // block)
    given = x if bias is None else bias
    channel_norm[(-(-pixels // rows),)](
        x, gamma.flatten(), given, out, pixels, channels, BIASED=bias is not None, ROWS=rows, BLOCK=block
    )
    return out


def add_channels(x: Tensor, bias: Tensor | None, other: Tensor | None = None) -> Tensor:
    """x + bias + other, in place where channels are innermost."""
    from .triton_kernels import channel_sum

    x, count = _innermost(x), x.numel()
    channel_sum[(-(-count // VALUES_AT_ONCE),)](
        x, x if bias is None else bias, x if other is None else _innermost(other), count, x.shape[1],
        BIASED=bias is not None, ADDS=other is not None, BLOCK=VALUES_AT_ONCE,
    )  # fmt: skip
    return x


def double(x: Tensor) -> Tensor:
    """Every pixel four times: (B, C, T, 2H, 2W)."""
    from .triton_kernels import double_pixels

    batch, channels, frames, height, width = x.shape
    out = x.new_empty(batch, frames, 2 * height, 2 * width, channels).movedim(-1, 1)
    parts = -(-2 * width * channels // VALUES_AT_ONCE)
    double_pixels[(batch * frames * 2 * height, parts)](x, out, height, width, channels, BLOCK=VALUES_AT_ONCE)
    return out


def _innermost(x: Tensor) -> Tensor:
    """Padding, for one, gives another layout."""
    return x.contiguous(memory_format=torch.channels_last_3d)
