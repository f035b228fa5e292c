"""A network that is on the device only while it works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from torch import nn

from .group import Group, tensors_of
from .lane import Lane


class Guest:
    def __init__(self, network: nn.Module, lane: Lane) -> None:
        self._lane = lane
        self._group = Group(tensors_of([network]), lane.host)

    @property
    def size_bytes(self) -> int:
        return self._group.size_bytes

    @contextmanager
    def visit(self) -> Iterator[None]:
        buffer = self._lane.empty(self._group.size_bytes)
        self._lane.wait(self._lane.copy(buffer, self._group.home, self._lane.mark()))
        self._group.place(buffer)
        try:
            yield
        finally:
            self._group.forget()


def visit_when_called(network: nn.Module, lane: Lane) -> Guest:
    """*network* comes for each call of it, and goes when that is over."""
    guest, stay = Guest(network, lane), ExitStack()
    network.register_forward_pre_hook(lambda *_: stay.enter_context(guest.visit()) and None)
    network.register_forward_hook(lambda *_: stay.close(), always_call=True)
    return guest
