"""How much of a run's time goes to fresh footage: a share of it, by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch


@dataclass(slots=True)
class Pace:
    """After work of t seconds the next is due when (1 - share) / share · t seconds have passed: after 1.5·t at 0.4."""

    share: float  # 0 (never) to 1 (always)
    device: torch.device
    clock: Callable[[], float] = time.monotonic
    _next: float = field(default=float("-inf"), init=False)

    def due(self) -> bool:
        return self.share > 0 and self.clock() >= self._next

    @contextmanager
    def work(self) -> Iterator[None]:
        """Times what is done inside, on the device too."""
        self._wait()
        begun = self.clock()
        yield
        self._wait()
        now = self.clock()
        self._next = now + (now - begun) * (1 - self.share) / self.share

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
