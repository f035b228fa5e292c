"""Adam's moments in eight bits a number, in blocks with a scale of their own.

After Dettmers et al., "8-bit Optimizers via Block-wise Quantization" (https://arxiv.org/abs/2110.02861), with
roots in place of their lookup table: small values keep their size, where an even grid would make them zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 256


@dataclass(frozen=True, slots=True)
class Packed:
    codes: Tensor  # (n,) int8 where signed, uint8 where not
    scales: Tensor  # (ceil(n / BLOCK),) float32: the largest magnitude of each block


def pack_signed(values: Tensor) -> Packed:
    """Any values; error at most 1/64 of a value, or 1/65,000 of its block's largest."""
    blocks = _blocks(values)
    scales = blocks.abs().amax(dim=1)
    parts = blocks / scales.clamp_min(1e-38)[:, None]
    codes = (parts.sign() * parts.abs().sqrt() * 127).round().to(torch.int8)
    return Packed(codes.flatten()[: values.numel()], scales)


def unpack_signed(packed: Packed, shape: tuple[int, ...]) -> Tensor:
    roots = _blocks(packed.codes) / 127
    return _joined(roots * roots.abs() * packed.scales[:, None], shape)


def pack_positive(values: Tensor) -> Packed:
    """Values of 0 and more. One above 0 never becomes 0: Adam divides by its root."""
    blocks = _blocks(values)
    scales = blocks.amax(dim=1)
    roots = (blocks / scales.clamp_min(1e-38)[:, None]).sqrt().sqrt()
    codes = (roots * 255).round().clamp_min(1) * (blocks > 0)
    return Packed(codes.to(torch.uint8).flatten()[: values.numel()], scales)


def unpack_positive(packed: Packed, shape: tuple[int, ...]) -> Tensor:
    roots = _blocks(packed.codes) / 255
    return _joined(roots.square().square() * packed.scales[:, None], shape)


def _blocks(values: Tensor) -> Tensor:
    """(blocks, BLOCK) float32; the last is filled with zeros."""
    flat = values.detach().float().flatten()
    return F.pad(flat, (0, -len(flat) % BLOCK)).view(-1, BLOCK)


def _joined(blocks: Tensor, shape: tuple[int, ...]) -> Tensor:
    return blocks.flatten()[: torch.Size(shape).numel()].view(shape)
