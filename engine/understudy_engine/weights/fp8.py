"""Weights in 8 bits: e4m3 with one float32 scale a row, W = weight · scale[:, None]."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

E4M3 = torch.float8_e4m3fn
LARGEST = 448.0  # of e4m3
SMALLEST_EXPONENT, MANTISSA_BITS = -6, 3


def quantise_rows(values: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, ...) float32 -> e4m3 of the same shape and (rows,) float32 scales, so that a row's largest is 448."""
    scale = _fitting(values)
    return _divided(values, scale).to(E4M3), scale


def requantise_rows(values: Tensor, scale: Tensor, name: str, first_row: int) -> tuple[Tensor, Tensor]:
    """The same for weights that lay on the grid of *scale* (rows,) and were moved a little.

    Rounded to the nearest they would go back to where they were: a LoRA changes most weights by less than half a
    step. So they are rounded up or down by chance, as likely as they are near: right in the mean over a row. The
    chance is drawn from *name* and *first_row*, so that the same strengths give the same weights. Scales stay where
    the row still fits.
    """
    scale = torch.where(_fitting(values) > scale, _fitting(values), scale)
    divided = _divided(values, scale)
    draw = torch.Generator(values.device).manual_seed(zlib.crc32(f"{name} {first_row}".encode()))
    chance = torch.rand(divided.shape, generator=draw, device=divided.device)
    exponent = torch.frexp(divided)[1].sub_(1).clamp_(min=SMALLEST_EXPONENT)
    step = torch.ldexp(torch.ones_like(divided), exponent - MANTISSA_BITS)
    rounded = divided.div_(step).add_(chance).floor_().mul_(step)
    return rounded.clamp_(-LARGEST, LARGEST).to(E4M3), scale


def _fitting(values: Tensor) -> Tensor:
    """(rows,): what brings each row's largest to 448; 1 for rows of zeros."""
    largest = values.abs().flatten(1).amax(1)
    return torch.where(largest > 0, largest / LARGEST, 1.0)


def _divided(values: Tensor, scale: Tensor) -> Tensor:
    rows = scale.reshape(-1, *(1 for _ in values.shape[1:]))
    return (values / rows).clamp_(-LARGEST, LARGEST)
