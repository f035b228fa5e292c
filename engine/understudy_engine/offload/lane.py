"""How bytes get from the host to the device beside the computing, and how each waits for the other."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from .host import HostMemory, plain


class Lane(Protocol):
    """A way to the device. A mark is a moment in the order of the device's work; None is one that has passed."""

    def empty(self, size_bytes: int) -> Tensor:
        """A buffer (size_bytes,) uint8 on the device."""
        ...

    def host(self, size_bytes: int) -> Tensor:
        """A buffer (size_bytes,) uint8 on the host, which the device reads by itself if the system allows it."""
        ...

    def told(self) -> str:
        """What an artist should know of that; nothing if all is well."""
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
        self._memory = HostMemory()

    def empty(self, size_bytes: int) -> Tensor:
        with torch.inference_mode(False):  # an inference tensor could not be written to from outside
            return torch.empty(size_bytes, dtype=torch.uint8, device=self._device)

    def host(self, size_bytes: int) -> Tensor:
        return self._memory.buffer(size_bytes)

    def told(self) -> str:
        return self._memory.told()

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
        return plain(size_bytes)

    host = empty

    def told(self) -> str:
        return ""

    def mark(self) -> None:
        return None

    def copy(self, target: Tensor, source: Tensor, after: None) -> None:
        target.copy_(source)

    def wait(self, until: None) -> None:
        return None


def lane_to(device: torch.device) -> Lane:
    return CudaLane(device) if device.type == "cuda" else HostLane()


def _recorded(stream: torch.cuda.Stream) -> torch.cuda.Event:
    event = torch.cuda.Event()
    event.record(stream)
    return event
