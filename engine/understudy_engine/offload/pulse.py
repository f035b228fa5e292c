"""Between two pieces of a segment's work: may it go on?"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import torch

LONG_PIECE_S = 0.12  # a block of the largest model takes 0.04 to 0.26 s
POLL_S = 0.0005


def go_on() -> None:
    """Nobody asks to stop."""


class Pulse:
    """Called between two pieces of work. What *ask* raises ends the work there.

    A GPU's work is asked for long before it is done. The host is kept from running further ahead than one piece, and
    than none where pieces are long, and asks while it waits: so that the card stands still 0.3 s after the answer.
    """

    def __init__(self, device: torch.device, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._device = device
        self._pieces: deque[torch.cuda.Event] = deque()
        self._before, self._piece_s = time.monotonic(), 0.0

    def __call__(self) -> None:
        if self._device.type == "cuda":
            self._keep_close()
        self._ask()

    def _keep_close(self) -> None:
        piece = torch.cuda.Event()
        piece.record(torch.cuda.current_stream(self._device))
        self._pieces.append(piece)
        while len(self._pieces) > (1 if self._piece_s < LONG_PIECE_S else 0):
            self._wait(self._pieces.popleft())
        now = time.monotonic()
        self._before, self._piece_s = now, now - self._before

    def _wait(self, piece: torch.cuda.Event) -> None:
        while not piece.query():
            self._ask()
            time.sleep(POLL_S)
