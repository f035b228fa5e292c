"""Whether a fused kernel may take a tensor: on a CUDA device that has Triton, and where no gradient is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

HOPPER = (9, 0)
_fused_wanted = ContextVar("fused_wanted", default=True)


@contextmanager
def plainly() -> Iterator[None]:
    """Without any kernel of ours inside: the oracle, on the same device."""
    before = _fused_wanted.set(False)
    try:
        yield
    finally:
        _fused_wanted.reset(before)


def is_fused(x: Tensor) -> bool:
    return (
        x.is_cuda
        and _fused_wanted.get()
        and not (torch.is_grad_enabled() and x.requires_grad)
        and _has_triton()
    )


def is_fused_stream(x: Tensor) -> bool:
    """The same for the residual stream (B, N, D), which a kernel changes in place."""
    return is_fused(x) and x.is_contiguous() and x.dtype == torch.float32


def is_hopper(device: torch.device) -> bool:
    """Whether kernels written for this generation run: no other one has its instructions."""
    return _fused_wanted.get() and is_hopper_card(device)


def is_hopper_card(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) == HOPPER


def block_of(dim: int) -> int:
    """The power of two that Triton's ranges want."""
    return 1 << (dim - 1).bit_length()


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None
