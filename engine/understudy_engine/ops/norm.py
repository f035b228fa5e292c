"""Norms with float32 statistics, whatever dtype comes in."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def layer_norm(x: Tensor, eps: float, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    """LayerNorm over the last axis, computed and returned in float32."""
    return F.layer_norm(x.float(), x.shape[-1:], weight, bias, eps)


class RmsNorm(nn.Module):
    """x / rms(x) · weight over the last axis; statistics in float32, result in the dtype of x."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), x.shape[-1:], self.weight.float(), self.eps).to(x.dtype)


class LayerNorm(nn.LayerNorm):
    """An affine LayerNorm, computed and returned in float32."""

    def forward(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.eps, self.weight, self.bias)


def modulate(x: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """LN(x)·(1 + scale) + shift in float32: x (B, N, D), shift and scale (B, 1, D)."""
    return torch.addcmul(shift, layer_norm(x, eps), 1 + scale)
