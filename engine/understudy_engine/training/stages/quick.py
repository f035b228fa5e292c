"""torch.compile where it helps, for what is called with the same shapes again and again."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import torch


class Compile(StrEnum):
    NONE = "none"
    FUSE = "fuse"  # fused kernels; after the VAE a block at a time, since the whole model at once was slower
    GRAPHS = "graphs"  # fused kernels, launched as one CUDA graph


def quick(function: Callable[..., Any], how: Compile) -> Callable[..., Any]:
    if how is Compile.NONE:
        return function
    mode = "reduce-overhead" if how is Compile.GRAPHS else None
    compiled: Callable[..., Any] = torch.compile(function, mode=mode, dynamic=False)
    return compiled


def mixed(device: torch.device) -> torch.autocast:
    """bfloat16 where it is quick; a CPU computes as it is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
