"""Linear layers in eight bits: int8 rows of weights times int8 tokens, summed in 32 bits, scaled to 16.

e4m3 has three bits behind the point and int8 seven below its row's greatest: with nano's trained weights e4m3 linears
cost 5 to 7 % of a forward, int8 ones 2 to 3 % (docs/benchmarks.md). Both are multiplied at the same rate.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fast import block_of, is_fused, is_hopper
from .nvrtc import Kernel, TensorMap

GREATEST = 127.0
TINY = 1e-12
TILE_ROWS, TILE_COLUMNS, TILE_DEPTH = 128, 256, 128
SHARED_BYTES = 4 * 3 * 128 * 128 + 1024
THREADS = 384


class Rows8(NamedTuple):
    """Rows that were quantised one by one: row i is values[i] · scale[i]."""

    values: Tensor  # (..., D) int8
    scale: Tensor  # (...) float32


Operand = Tensor | Rows8
"""What a linear layer takes."""


def quantise_rows(rows: Tensor) -> Rows8:
    """Rows (..., D) of any dtype as int8, each by its own greatest magnitude."""
    if is_fused(rows) and rows.is_contiguous():
        return _quantised_by_triton(rows)
    return quantise_plainly(rows)


def quantise_plainly(rows: Tensor) -> Rows8:
    wide = rows.float()
    scale = (wide.abs().amax(-1) / GREATEST).clamp_min(TINY)
    return Rows8((wide / scale[..., None]).round().to(torch.int8), scale)


def _quantised_by_triton(rows: Tensor) -> Rows8:
    from .triton_kernels import quantise

    dim = rows.shape[-1]
    out = Rows8(
        torch.empty_like(rows, dtype=torch.int8), rows.new_empty(rows.shape[:-1], dtype=torch.float32)
    )
    quantise[(rows.numel() // dim,)](rows, *out, dim, BLOCK=block_of(dim))
    return out


class Int8Linear(nn.Module):
    """A linear layer of int8 weights, a step a row. Not for training.

    Takes float tensors, or rows that are quantised already because several layers share them.
    """

    weight: Tensor  # (out, in) int8
    scale: Tensor  # (out,) float32
    bias: Tensor  # (out,) float32

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(c_out, c_in, dtype=torch.int8))
        self.register_buffer("scale", torch.zeros(c_out))
        self.register_buffer("bias", torch.zeros(c_out))

    @classmethod
    def of(cls, linear: nn.Linear) -> Int8Linear:
        """The same layer, on the same device, its weights quantised."""
        with torch.device("meta"):
            made = cls(linear.in_features, linear.out_features)
        bias = linear.bias.detach().float()
        made.weight, made.scale = quantise_rows(linear.weight.detach())
        made.bias = bias
        return made

    def take(self, weight: Tensor) -> None:
        """Quantises weight (out, in), in place."""
        values, scale = quantise_rows(weight)
        self.weight.copy_(values)
        self.scale.copy_(scale)

    def forward(self, x: Operand, *, gelu: bool = False) -> Tensor:
        """x (..., in) -> (..., out) bfloat16; with *gelu* its tanh form of that."""
        rows = x if isinstance(x, Rows8) else quantise_rows(x.contiguous())
        if is_hopper(rows.values.device):
            return _multiplied_on_hopper(rows, self, gelu)
        return multiplied_plainly(rows, self, gelu)


def multiplied_plainly(rows: Rows8, layer: Int8Linear, gelu: bool = False) -> Tensor:
    """The oracle. Products of int8 and their sums are whole numbers, which *exact* holds."""
    exact = torch.float32 if layer.weight.shape[1] * GREATEST**2 < 2**24 else torch.float64
    summed = (rows.values.to(exact) @ layer.weight.to(exact).T).double()
    out = (summed * rows.scale[..., None] * layer.scale + layer.bias).float()
    return (F.gelu(out, approximate="tanh") if gelu else out).bfloat16()


def _multiplied_on_hopper(rows: Rows8, layer: Int8Linear, gelu: bool) -> Tensor:
    values = rows.values.flatten(0, -2)
    count, depth = values.shape
    columns = len(layer.weight)
    out = values.new_empty(count, columns, dtype=torch.bfloat16)
    _kernel(gelu)(
        (_processors(values.device), 1, 1), THREADS,
        _map_of(values, TILE_ROWS), _map_of(layer.weight, TILE_COLUMNS),
        rows.scale, layer.scale, layer.bias, out, count, columns, depth,
    )  # fmt: skip
    whole: Tensor = out.unflatten(0, rows.values.shape[:-1])
    return whole


def _map_of(rows: Tensor, box_rows: int) -> TensorMap:
    count, depth = rows.shape
    return TensorMap(rows, (depth, count), (depth,), (TILE_DEPTH, box_rows))


@cache
def _kernel(gelu: bool) -> Kernel:
    return Kernel(
        Path(__file__).with_name("linear8.cu"), "linear8", shared_bytes=SHARED_BYTES, GELU=int(gelu)
    )


@cache
def _processors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count
