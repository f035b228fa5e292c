"""Memory told and, when it runs out, said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .errors import OutOfMemory
from .types import FrameSize


@contextmanager
def out_of_memory_told(model_size: FrameSize, frames: int) -> Iterator[None]:
    """Turns torch's out-of-memory errors into one that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _told(model_size, frames) from error
    except RuntimeError as error:
        # the CPU allocator has no exception class of its own
        if "not enough memory" not in str(error):
            raise
        raise _told(model_size, frames) from error


def _told(model_size: FrameSize, frames: int) -> OutOfMemory:
    return OutOfMemory(
        f"Memory ran out while making {frames} frames of {model_size.width}x{model_size.height}. "
        "Choose a smaller work area, or close other programs that use this device.",
        width=model_size.width,
        height=model_size.height,
        frames=frames,
    )
