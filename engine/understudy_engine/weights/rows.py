"""Weights in 8 bits: int8 with one float32 scale a row, W = weight · scale[:, None]."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

from ..ops.rows8 import GREATEST, quantise_plainly

INT8, E4M3, E5M2 = torch.int8, torch.float8_e4m3fn, torch.float8_e5m2
SCALED = (INT8, E4M3, E5M2)
"""What is multiplied with a scale: int8 is ours, the two kinds of fp8 the community's files."""
LARGEST = int(GREATEST)


def quantise_rows(values: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, columns) float32 -> int8 of the same shape and (rows,) float32 scales, so that a row's largest is 127."""
    # in many threads at once, which kernels built at run time do not like
    found = quantise_plainly(values)
    return found.values, found.scale


def requantise_rows(values: Tensor, scale: Tensor, name: str, first_row: int) -> tuple[Tensor, Tensor]:
    """The same for weights that lay on the grid of *scale* (rows,) and were moved a little.

    Rounded to the nearest they would go back to where they were: a LoRA changes most weights by less than half a
    step. So they are rounded up or down by chance, as likely as they are near: right in the mean over a row. The
    chance is drawn from *name* and *first_row*, so that the same strengths give the same weights. Scales stay where
    the row still fits.
    """
    fitting = _fitting(values)
    scale = torch.where(fitting > scale, fitting, scale)
    draw = torch.Generator(values.device).manual_seed(zlib.crc32(f"{name} {first_row}".encode()))
    chance = torch.rand(values.shape, generator=draw, device=values.device)
    rounded = _divided(values, scale).add_(chance).floor_()
    return rounded.clamp_(-LARGEST, LARGEST).to(INT8), scale


def by_row(scale: Tensor, values: Tensor) -> Tensor:
    """One number, or one a row, shaped so that it multiplies *values* (rows, ...)."""
    flat = scale.float().reshape(-1)
    return flat if flat.numel() == 1 else flat.reshape(-1, *(1 for _ in values.shape[1:]))


def _fitting(values: Tensor) -> Tensor:
    """(rows,): what brings each row's largest to 127; 1 for rows of zeros."""
    largest = values.abs().flatten(1).amax(1)
    return torch.where(largest > 0, largest / LARGEST, 1.0)


def _divided(values: Tensor, scale: Tensor) -> Tensor:
    return (values / by_row(scale, values)).clamp_(-LARGEST, LARGEST)
