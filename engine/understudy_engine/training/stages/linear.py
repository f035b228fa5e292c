"""The transformer's linear layers while it is trained: masters in float32, products in bfloat16, and LoRAs.

Layers keep their names and parameters; only what they compute with changes. The split of precisions is the
engine's (weights/fill.py): what a network names in ``float32_parts`` stays float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TrainedLinear(nn.Linear):
    compute: torch.dtype
    strengths: dict[str, float]  # of each LoRA; 0 = off

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.compute)
        out = F.linear(x, self.weight.to(self.compute), self.bias.to(self.compute))
        for name, strength in self.strengths.items():
            if strength:
                down, up = (getattr(self, f"{name}_{half}").to(self.compute) for half in ("down", "up"))
                out = out + strength * F.linear(F.linear(x, down), up)
        return out


def compute_in(network: nn.Module, dtype: torch.dtype) -> None:
    """Every plain linear layer of *network* but the delicate ones multiplies in *dtype*."""
    delicate: tuple[str, ...] = getattr(network, "float32_parts", ())
    for name, layer in network.named_modules():
        if type(layer) is nn.Linear and not any(part in name for part in delicate):
            layer.__class__ = TrainedLinear
            assert isinstance(layer, TrainedLinear)
            layer.compute, layer.strengths = dtype, {}


def add_lora(network: nn.Module, modules: list[str], name: str, rank: int, seed: int = 0) -> None:
    """A LoRA called *name* on the layers *modules*, scale 1 (alpha = rank). It begins as no change at all."""
    draw = torch.Generator().manual_seed(seed)
    for path in modules:
        layer = network.get_submodule(path)
        if not isinstance(layer, TrainedLinear):
            raise TypeError(f"{path} is {type(layer).__name__}, not a linear layer that can be trained")
        down = torch.empty(rank, layer.in_features)
        nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=draw)
        device = layer.weight.device
        layer.register_parameter(f"{name}_down", nn.Parameter(down.to(device)))
        layer.register_parameter(
            f"{name}_up", nn.Parameter(torch.zeros(layer.out_features, rank, device=device))
        )
        layer.strengths[name] = 1.0


def set_strength(network: nn.Module, name: str, strength: float) -> None:
    for layer in network.modules():
        if isinstance(layer, TrainedLinear) and name in layer.strengths:
            layer.strengths[name] = strength


def lora_pairs(network: nn.Module, name: str) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Module path, down (rank, in) and up (out, rank) of each layer that has the LoRA."""
    for path, layer in network.named_modules():
        if isinstance(layer, TrainedLinear) and name in layer.strengths:
            yield path, getattr(layer, f"{name}_down"), getattr(layer, f"{name}_up")
