"""Linear layers in eight bits: int8 rows of weights times int8 tokens, summed in 32 bits, scaled to 16.

e4m3 has three bits behind the point and int8 seven below its row's greatest: with nano's trained weights e4m3 linears
cost 5 to 7 % of a forward, int8 ones 2 to 3 % (docs/benchmarks.md). Both are multiplied at the same rate on Hopper.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .product8 import multiplied
from .rows8 import Operand, Rows8, quantise_rows


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
        return multiplied(rows, Rows8(self.weight, self.scale), self.bias, gelu=gelu)
