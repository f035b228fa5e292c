"""Rows of numbers in eight bits: int8 values, and one float32 step for each row that they are multiples of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from . import rows_hopper
from .fast import block_of, is_fused

GREATEST = 127.0
TINY = 1e-12
PIECE_BYTES = (
    64 << 20
)  # what lies between two operations, where no kernel does both: three such fit a plan's workspace
ROWS_TOGETHER = 256  # pieces are multiples of that: whole tiles of every matmul


class Rows8(NamedTuple):
    """Rows that were quantised one by one: row i is values[i] · scale[i]."""

    values: Tensor  # (..., D) int8
    scale: Tensor  # (...) float32

    def to(self, device: torch.device) -> Rows8:
        return Rows8(self.values.to(device), self.scale.to(device))


Operand = Tensor | Rows8
"""What a linear layer takes."""


def quantise_rows(rows: Tensor) -> Rows8:
    """Rows (..., D) of any dtype as int8, each by its own greatest magnitude."""
    if is_fused(rows) and rows.is_contiguous():
        return _fused(rows, None)
    return quantise_plainly(rows)


def quantised_sum(a: Tensor, b: Tensor) -> Rows8:
    """quantise_rows() of a + b, both (..., D), which is rounded to their dtype: in one pass where a kernel takes it."""
    if is_fused(a) and is_fused(b) and a.is_contiguous() and b.is_contiguous():
        return _fused(a, b)
    return quantise_rows((a + b).contiguous())


def quantise_plainly(rows: Tensor) -> Rows8:
    """The oracle. Beside the result it takes 200 MB at most."""
    flat = rows.reshape(-1, rows.shape[-1])
    values = torch.empty_like(flat, dtype=torch.int8)
    scale = flat.new_empty(len(flat), dtype=torch.float32)
    for at in pieces(*flat.shape):
        wide = flat[at].float()
        scale[at] = (wide.abs().amax(-1) / GREATEST).clamp_min(TINY)
        values[at] = (wide / scale[at, None]).round()
    return Rows8(values.view(rows.shape), scale.view(rows.shape[:-1]))


def pieces(rows: int, columns: int) -> Iterator[slice]:
    """All *rows*, so many at a time that PIECE_BYTES hold them and *columns* in 32 bits."""
    step = max(1, PIECE_BYTES // (4 * columns * ROWS_TOGETHER)) * ROWS_TOGETHER
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def _fused(rows: Tensor, other: Tensor | None) -> Rows8:
    dim = rows.shape[-1]
    out = Rows8(
        torch.empty_like(rows, dtype=torch.int8), rows.new_empty(rows.shape[:-1], dtype=torch.float32)
    )
    if not rows_hopper.quantise(rows, other, *out):
        from .triton_kernels import quantise

        whole = rows if other is None else rows + other
        quantise[(rows.numel() // dim,)](whole, *out, dim, BLOCK=block_of(dim))
    return out
