"""How bytes get from the host to the device beside the computing, and how each waits for the other."""

from __future__ import annotations

import weakref
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import OutOfMemory


class Lane(Protocol):
    """A way to the device. A mark is a moment in the order of the device's work; None is one that has passed."""

    def empty(self, size_bytes: int) -> Tensor:
        """A buffer (size_bytes,) uint8 on the device."""
        ...

    def host(self, size_bytes: int) -> Tensor:
        """A buffer (size_bytes,) uint8 on the host, which the device reads by itself."""
        ...

    def mark(self) -> Any:
        """The moment when all computing that was asked for up to now is done."""
        ...

    def copy(self, target: Tensor, source: Tensor, after: Any) -> Any:
        """Copies not before *after*, beside the computing; gives the moment when that is done."""
        ...

    def wait(self, until: Any) -> None:
        """Computing that is asked for from now on begins not before *until*."""
        ...


class CudaLane:
    """A stream of copies beside the stream of kernels."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._copies = torch.cuda.Stream(device)

    def empty(self, size_bytes: int) -> Tensor:
        with torch.inference_mode(False):  # an inference tensor could not be written to from outside
            return torch.empty(size_bytes, dtype=torch.uint8, device=self._device)

    def host(self, size_bytes: int) -> Tensor:
        return pinned(size_bytes)

    def mark(self) -> torch.cuda.Event:
        return _recorded(torch.cuda.current_stream(self._device))

    def copy(self, target: Tensor, source: Tensor, after: torch.cuda.Event) -> torch.cuda.Event:
        self._copies.wait_event(after)
        with torch.cuda.stream(self._copies):
            target.copy_(source, non_blocking=True)
        return _recorded(self._copies)

    def wait(self, until: torch.cuda.Event) -> None:
        torch.cuda.current_stream(self._device).wait_event(until)


class HostLane:
    """The same on a CPU, where everything is done in the order in which it is asked for."""

    def empty(self, size_bytes: int) -> Tensor:
        with torch.inference_mode(False):
            return torch.empty(size_bytes, dtype=torch.uint8)

    host = empty

    def mark(self) -> None:
        return None

    def copy(self, target: Tensor, source: Tensor, after: None) -> None:
        target.copy_(source)

    def wait(self, until: None) -> None:
        return None


def lane_to(device: torch.device) -> Lane:
    return CudaLane(device) if device.type == "cuda" else HostLane()


def pinned(size_bytes: int) -> Tensor:
    """A buffer (size_bytes,) uint8 of page-locked memory.

    torch's own allocator of such memory rounds up to powers of two: 0.6 GB a block would be 1 GB.
    Raises OutOfMemory if the system does not lock as much.
    """
    with torch.inference_mode(False):
        buffer = torch.empty(size_bytes, dtype=torch.uint8)
    if not size_bytes:
        return buffer
    driver = torch.cuda.cudart()
    code = int(driver.cudaHostRegister(buffer.data_ptr(), size_bytes, 0))
    if code:
        raise OutOfMemory(
            f"The system did not lock {size_bytes / 1e9:.2f} GB of memory for streamed weights (CUDA error {code}). "
            "Close other programs, or choose a plan that keeps more on the card.",
            bytes=size_bytes,
        )
    weakref.finalize(buffer, driver.cudaHostUnregister, buffer.data_ptr()).atexit = False
    return buffer


def _recorded(stream: torch.cuda.Stream) -> torch.cuda.Event:
    event = torch.cuda.Event()
    event.record(stream)
    return event
