"""Whether a fused kernel may take a tensor: on a CUDA device that runs Triton, and where no gradient is wanted."""

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
        and not why_no_triton(x.device)
    )


def is_fused_stream(x: Tensor) -> bool:
    """The same for the residual stream (B, N, D), which a kernel changes in place."""
    return is_fused(x) and x.is_contiguous() and x.dtype == torch.float32


def is_plain() -> bool:
    """Whether it is within *plainly*."""
    return not _fused_wanted.get()


def is_hopper(device: torch.device) -> bool:
    """Whether kernels written for this generation run: no other one has its instructions."""
    return _fused_wanted.get() and is_hopper_card(device)


def is_hopper_card(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) == HOPPER


def block_of(dim: int) -> int:
    """The power of two that Triton's ranges want."""
    return 1 << (dim - 1).bit_length()


@cache
def why_no_triton(device: torch.device) -> str:
    """Why Triton's kernels cannot run on *device*, found out by running one; empty if they can.

    Triton compiles at run time: on Linux it needs a C compiler, on Windows a package of its own.
    """
    if device.type != "cuda":
        return "it is for graphics cards"
    if find_spec("triton") is None:
        return "it is not installed"
    try:
        return "" if _quantises_exactly(device) else "its numbers are wrong"
    except Exception as failure:  # of a compiler or a driver: what it may be is nowhere listed
        return f"{type(failure).__name__}: {failure}"


def _quantises_exactly(device: torch.device) -> bool:
    from .triton_kernels import quantise

    # each row's step is 1, as far as it divides
    whole = torch.arange(-127, 128, dtype=torch.float32).repeat(3, 1)
    rows = whole.to(device)
    made, step = torch.empty_like(rows, dtype=torch.int8), rows.new_empty(3)
    quantise[(3,)](rows, made, step, rows.shape[1], BLOCK=block_of(rows.shape[1]))
    return torch.equal(made.cpu().float(), whole) and torch.allclose(step.cpu(), torch.ones(3))
