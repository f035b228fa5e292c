"""Weights that come and go together: one buffer on the host, so that they are one copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from torch import Tensor, nn

ALIGNED_BYTES = 256  # of every tensor in a buffer: more than any kernel asks for


class Group:
    """Tensors whose home is the host. Between ``place`` and ``go_home`` they are in a buffer of the device.

    Parameters and buffers stay the same objects: only where their values are changes. At home they may be written to.
    """

    def __init__(self, tensors: Sequence[Tensor], host: Callable[[int], Tensor]) -> None:
        """*host* gives a buffer of so many bytes. The tensors' values move there, from wherever they are."""
        self.tensors = [
            tensor for tensor in tensors if not tensor.is_meta
        ]  # others are made at their first use
        ends = list(accumulate(_aligned(tensor.nbytes) for tensor in self.tensors))
        self._starts = [0, *ends[:-1]] if ends else []
        self._like = [(tensor.dtype, tensor.shape, tensor.nbytes) for tensor in self.tensors]
        self.size_bytes = ends[-1] if ends else 0
        self.home = host(self.size_bytes)
        self._at_home = self._views(self.home)
        self._placed: dict[int, list[Tensor]] = {}  # by the address of the buffer
        for tensor, view in zip(self.tensors, self._at_home, strict=True):
            view.copy_(tensor)
        self.go_home()

    def place(self, buffer: Tensor) -> None:
        """The tensors' values are taken from *buffer* (at least size_bytes,) uint8, a copy of the home."""
        views = self._placed.get(buffer.data_ptr())
        if views is None:
            views = self._placed[buffer.data_ptr()] = self._views(buffer)
        self._point_to(views)

    def go_home(self) -> None:
        self._point_to(self._at_home)

    def forget(self) -> None:
        """Lets go of buffers that it was placed in."""
        self.go_home()
        self._placed.clear()

    def _views(self, buffer: Tensor) -> list[Tensor]:
        return [
            buffer[start : start + size].view(dtype).view(shape)
            for start, (dtype, shape, size) in zip(self._starts, self._like, strict=True)
        ]

    def _point_to(self, views: Sequence[Tensor]) -> None:
        for tensor, view in zip(self.tensors, views, strict=True):
            tensor.data = view


def tensors_of(modules: Iterable[nn.Module]) -> list[Tensor]:
    """Parameters and buffers of *modules*, each once."""
    found: dict[int, Tensor] = {}
    for module in modules:
        for tensor in (*module.parameters(), *module.buffers()):
            found[id(tensor)] = tensor
    return list(found.values())


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNED_BYTES) * ALIGNED_BYTES
