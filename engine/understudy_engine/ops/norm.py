"""Norms with float32 statistics, whatever dtype comes in."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import rows_hopper
from .fast import block_of, is_fused

NARROW = 512  # channels that one warp of Triton's norms


def layer_norm(x: Tensor, eps: float, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    """LayerNorm over the last axis, computed and returned in float32."""
    return F.layer_norm(x.float(), x.shape[-1:], weight, bias, eps)


class Modulated(NamedTuple):
    """LN(x) · (1 + scale) + shift; each (B, 1, D) float32."""

    shift: Tensor
    scale: Tensor


class Affine(NamedTuple):
    """LN(x) · scale + shift; each (D,) float32."""

    shift: Tensor
    scale: Tensor


class RmsNorm(nn.Module):
    """x / rms(x) · weight over the last axis; statistics in float32, result in the dtype of x."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return self._fused(x) if is_fused(x) else self.plainly(x)

    def plainly(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), x.shape[-1:], self.weight.float(), self.eps).to(x.dtype)

    def _fused(self, x: Tensor) -> Tensor:
        rows, dim = x.contiguous(), x.shape[-1]
        out, weight = torch.empty_like(rows), self.weight.float()
        of_one_clip, narrow = rows.view(1, -1, dim), dim <= NARROW
        if narrow or not rows_hopper.rms_rotate(of_one_clip, weight, None, None, out, self.eps):
            from .triton_kernels import rms_rotate

            rms_rotate[(rows.numel() // dim,)](
                rows, weight, weight, weight, out, 1, dim, self.eps, ROTATES=False, HALF=1, BLOCK=block_of(dim),
                num_warps=1 if narrow else 8,
            )  # fmt: skip
        return out


class LayerNorm(nn.LayerNorm):
    """An affine LayerNorm, computed and returned in float32."""

    def forward(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.eps, self.weight, self.bias)

    @property
    def norming(self) -> Affine:
        return Affine(self.bias, self.weight)


def modulate(x: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """LN(x)·(1 + scale) + shift in float32: x (B, N, D), shift and scale (B, 1, D)."""
    return torch.addcmul(shift, layer_norm(x, eps), 1 + scale)
