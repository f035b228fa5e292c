"""Small tables of numbers on a device, copied there once and not for every batch."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

Numbers = tuple[float, ...] | tuple[tuple[float, ...], ...]


def constant(numbers: Numbers, like: Tensor) -> Tensor:
    """*numbers* as a tensor on the device and of the type of *like*. Nobody may write into it."""
    return _constant(numbers, like.device, like.dtype)


@lru_cache(maxsize=256)
def _constant(numbers: Numbers, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):
        return torch.tensor(numbers, dtype=dtype, device=device)
