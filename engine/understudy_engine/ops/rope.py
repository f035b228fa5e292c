"""Rotary position embedding over three axes: latent frame, row, column.

A head's dims are pairs of neighbours (2i, 2i+1). The pairs are split among the axes, time taking what a
division by three leaves over: 22 / 21 / 21 pairs at head dim 128.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..footprint import span_frames
from . import rows_hopper
from .fast import block_of, is_fused
from .norm import RmsNorm


class Rotary(NamedTuple):
    """Angles of every token, as float32 (N, 1, head_dim / 2): the 1 broadcasts over heads."""

    cos: Tensor
    sin: Tensor

    def of(self, tokens: slice) -> Rotary:
        return Rotary(self.cos[tokens], self.sin[tokens])


class Span(NamedTuple):
    """Some latent frames, and the tokens that they are."""

    frames: slice
    tokens: slice


class Grid(NamedTuple):
    """How tokens are laid out, columns fastest. Latent frame 0 is the reference picture."""

    frames: int
    rows: int
    columns: int

    @property
    def tokens(self) -> int:
        return self.frames * self.rows * self.columns

    def spans(self, tokens: int) -> list[Span]:
        """All of it in whole frames, each span of about *tokens* at most, all but the last alike."""
        frame = self.rows * self.columns
        step = span_frames(self.frames, frame, tokens)
        return [
            Span(
                slice(at, min(at + step, self.frames)), slice(at * frame, min(at + step, self.frames) * frame)
            )
            for at in range(0, self.frames, step)
        ]


def rotary(grid: Grid, head_dim: int, device: torch.device | None = None) -> Rotary:
    """Tables for every token of *grid*, made on *device*. Angles in float64, then rounded once."""
    spatial = 2 * (head_dim // 6)
    axes = zip(grid, (head_dim - 2 * spatial, spatial, spatial), strict=True)
    frames, rows, columns = (_angles(length, dim, device) for length, dim in axes)
    angles = torch.cat(
        [
            frames[:, None, None].expand(*grid, -1),
            rows[None, :, None].expand(*grid, -1),
            columns[None, None, :].expand(*grid, -1),
        ],
        dim=-1,
    ).reshape(grid.tokens, 1, head_dim // 2)
    return Rotary(angles.cos().float(), angles.sin().float())


def _angles(positions: int, dim: int, device: torch.device | None) -> Tensor:
    frequencies = 10000.0 ** (-torch.arange(0, dim, 2, dtype=torch.float64, device=device) / dim)
    places = torch.arange(positions, dtype=torch.float64, device=device)
    return torch.outer(places, frequencies)  # (positions, dim / 2)


def rotate(x: Tensor, table: Rotary) -> Tensor:
    """Turn the pairs of x (B, N, H, D) by the table's angles, in float32; the dtype of x comes back."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack(
        (even * table.cos - odd * table.sin, even * table.sin + odd * table.cos), dim=-1
    )  # (B, N, H, D/2, 2)
    return turned.flatten(-2).to(x.dtype)


def rotate_normed(x: Tensor, norm: RmsNorm, heads: int, table: Rotary) -> Tensor:
    """rotate() of x (B, N, H·D) normed over all heads together -> (B, N, H, D), in one pass where a kernel takes it."""
    if is_fused(x):
        turned: Tensor = _fused(x.contiguous(), norm, table).unflatten(-1, (heads, -1))
        return turned
    return rotate(norm.plainly(x).unflatten(-1, (heads, -1)), table)


def _fused(x: Tensor, norm: RmsNorm, table: Rotary) -> Tensor:
    batch, tokens, dim = x.shape
    out, weight = torch.empty_like(x), norm.weight.float()
    cos, sin = table.cos.contiguous(), table.sin.contiguous()
    if not rows_hopper.rms_rotate(x, weight, cos, sin, out, norm.eps):
        from .triton_kernels import rms_rotate

        rms_rotate[(batch * tokens,)](
            x, weight, cos, sin, out, tokens, dim, norm.eps,
            ROTATES=True, HALF=cos.shape[-1], BLOCK=block_of(dim), num_warps=8,
        )  # fmt: skip
    return out
