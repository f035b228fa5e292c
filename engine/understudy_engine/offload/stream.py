"""Groups of weights, one after the other, each copied to the device while those before it are computed with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from .group import Group
from .lane import Lane


class WeightStream:
    """Groups are needed in their order, and again from the first on: after the last one the first is copied ahead.

    Memory on the device: *slots* times the largest group, from the first ``need`` until ``rest``.
    """

    def __init__(self, groups: Sequence[Group], lane: Lane, slots: int = 2) -> None:
        self._groups = groups
        self._lane = lane
        self._count = min(slots, len(groups))
        self._slots: list[Tensor] = []
        self._copied: list[Any] = []  # of each slot: when what is in it has come
        self._next = 0  # the group that is expected
        self._turn = 0  # how many were needed since the first was copied

    def need(self, index: int) -> None:
        """Group *index* is in its place when this returns, as far as computing asked for from now on can tell."""
        if not self._slots or index != self._next:
            self._begin(index)
        slot = self._turn % self._count
        self._lane.wait(self._copied[slot])
        self._groups[index].place(self._slots[slot])

    def done(self, index: int) -> None:
        """What computing with group *index* was to be asked for has been; its slot gets the next one that has none."""
        self._groups[index].go_home()
        slot = self._turn % self._count
        self._copy((index + self._count) % len(self._groups), slot, self._lane.mark())
        self._turn += 1
        self._next = (index + 1) % len(self._groups)

    def rest(self) -> None:
        """Lets go of the memory on the device."""
        for mark in self._copied:
            self._lane.wait(mark)
        for group in self._groups:
            group.forget()
        self._slots, self._copied = [], []

    def _begin(self, index: int) -> None:
        if not self._slots:
            size_bytes = max(group.size_bytes for group in self._groups)
            self._slots = [self._lane.empty(size_bytes) for _ in range(self._count)]
            self._copied = [None] * self._count
        now = self._lane.mark()
        self._turn, self._next = 0, index
        for slot in range(self._count):
            self._copy((index + slot) % len(self._groups), slot, now)

    def _copy(self, index: int, slot: int, after: Any) -> None:
        source = self._groups[index].home
        self._copied[slot] = self._lane.copy(self._slots[slot][: len(source)], source, after)
