"""Memory told and, when it runs out, said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .errors import KernelFailed, OutOfMemory
from .types import FrameSize

RAN_OUT = (
    "not enough memory",  # the CPU's allocator
    "out of memory",  # CUDA's runtime and driver, by torch, Triton or ourselves
    "ALLOC_FAILED",  # cuBLAS and cuDNN
    "ALLOCATION_FAILED",  # cuDNN, of the machine's or the card's
    "unable to find an engine",  # torch, where no convolution of cuDNN's got the room it works in
)


@contextmanager
def out_of_memory_told(model_size: FrameSize, frames: int) -> Iterator[None]:
    """Turns torch's out-of-memory errors into one that says what to do."""
    try:
        yield
    except (RuntimeError, KernelFailed) as error:
        if not ran_out(error):
            raise
        raise _told(model_size, frames) from error


def ran_out(error: Exception) -> bool:
    """Whether memory was too little: torch's allocator has a class for it, and all others have words alone."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in RAN_OUT)


def _told(model_size: FrameSize, frames: int) -> OutOfMemory:
    return OutOfMemory(
        f"Memory ran out while making {frames} frames of {model_size.width}x{model_size.height}. "
        "Choose a smaller work area, or close other programs that use this device.",
        width=model_size.width,
        height=model_size.height,
        frames=frames,
    )
