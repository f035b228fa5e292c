"""Between two pieces of a segment's work: may it go on?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch

PIECES_AHEAD = 2  # a piece of the largest model takes a quarter of a second at most


def go_on() -> None:
    """Nobody asks to stop."""


class Pulse:
    """Called between two pieces of work. What *ask* raises ends the work there.

    A GPU's work is asked for long before it is done: the host is kept from running further ahead than two pieces,
    so that an answer is heard within three.
    """

    def __init__(self, device: torch.device, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._device = device
        self._pieces: deque[torch.cuda.Event] = deque()

    def __call__(self) -> None:
        if self._device.type == "cuda":
            self._keep_close()
        self._ask()

    def _keep_close(self) -> None:
        piece = torch.cuda.Event(blocking=True)
        piece.record(torch.cuda.current_stream(self._device))
        self._pieces.append(piece)
        if len(self._pieces) > PIECES_AHEAD:
            self._pieces.popleft().synchronize()
