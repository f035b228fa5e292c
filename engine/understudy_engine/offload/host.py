"""Memory of the machine that weights wait in: page-locked, so that a card reads it by itself."""

from __future__ import annotations

import weakref
from contextlib import suppress
from mmap import PAGESIZE

import torch
from torch import Tensor

from ..errors import OutOfMemory

GB = 10**9


class HostMemory:
    """Buffers, page-locked as far as the system allows it. Windows locks half of the machine's memory at most.

    From others the card is copied to by the host, which computing waits for. After the first refusal no more is asked
    for: what is locked already is left to those who need it.
    """

    def __init__(self) -> None:
        self.locked_bytes = self.other_bytes = 0

    def buffer(self, size_bytes: int) -> Tensor:
        """(size_bytes,) uint8."""
        if not self.other_bytes:
            with suppress(OutOfMemory):
                buffer = pinned(size_bytes)
                self.locked_bytes += size_bytes
                return buffer
        self.other_bytes += size_bytes
        return plain(size_bytes)

    def told(self) -> str:
        """What an artist should know; nothing if all is locked."""
        if not self.other_bytes:
            return ""
        locked, wanted = self.locked_bytes / GB, (self.locked_bytes + self.other_bytes) / GB
        return (
            f"The system locked {locked:.1f} of {wanted:.1f} GB of the machine's memory for weights that come and go. "
            "The others are copied more slowly, and steps take longer. A smaller work area leaves more of them on the "
            "card."
        )


def pinned(size_bytes: int) -> Tensor:
    """A buffer (size_bytes,) uint8 of page-locked memory.

    torch's own allocator of such memory rounds up to powers of two: 0.6 GB a block would be 1 GB. Pages are its own,
    since one that two buffers share would be locked twice, which is refused.
    Raises OutOfMemory if the system does not lock as much.
    """
    if not size_bytes:
        return plain(0)
    whole_bytes = -(-size_bytes // PAGESIZE) * PAGESIZE
    room = plain(whole_bytes + PAGESIZE)
    begin = -room.data_ptr() % PAGESIZE
    with torch.inference_mode(False):
        buffer = room[begin : begin + size_bytes]
    driver = torch.cuda.cudart()
    code = int(driver.cudaHostRegister(buffer.data_ptr(), whole_bytes, 0))
    if code:
        _forget_error()
        raise OutOfMemory(
            f"The system did not lock {size_bytes / GB:.2f} GB of memory for streamed weights (CUDA error {code}). "
            "Close other programs, or choose a plan that keeps more on the card.",
            bytes=size_bytes,
        )
    weakref.finalize(buffer, driver.cudaHostUnregister, buffer.data_ptr()).atexit = False
    return buffer


def plain(size_bytes: int) -> Tensor:
    """A buffer (size_bytes,) uint8 as any other."""
    with torch.inference_mode(False):  # an inference tensor could not be written to from outside
        return torch.empty(size_bytes, dtype=torch.uint8)


def _forget_error() -> None:
    """CUDA's runtime keeps the last error until somebody asks, as torch does after its next kernel."""
    with suppress(RuntimeError):
        torch.zeros(1, device="cuda").add_(1)
