"""Between two pieces of a segment's work: may it go on?"""

from __future__ import annotations

import time
from collections import deque

import torch

from ..model.between import Between

POLL_S = 0.0005
AHEAD_S = 0.04  # of work in store for the card, where pieces are so short that several make it
KNOWN = 16  # pieces, after which it is known how long they usually are
MOST_AHEAD = 16


class Pulse:
    """Called between two pieces of work. What *ask* raises ends the work there.

    A GPU's work is asked for long before it is done. The host keeps one piece ahead of the card, and asks while it
    waits: after the answer the card has the rest of one piece and another one to do. Pieces are a fraction of a block
    (model/blocks.py), 0.17 s at most on an H200, so that it stands still 0.3 s later, and never while it works.
    """

    def __init__(self, device: torch.device, ask: Between) -> None:
        self._ask = ask
        self._device = device
        self._pieces: deque[torch.cuda.Event] = deque()  # that the card may not have done yet
        self.begin()

    def begin(self) -> None:
        """Work of another kind begins: nothing is known of its pieces."""
        self._took_s: deque[float] = deque(maxlen=KNOWN)
        self._before: torch.cuda.Event | None = None

    def __call__(self) -> None:
        if self._device.type == "cuda":
            self._keep_close()
        self._ask()

    def _keep_close(self) -> None:
        piece = torch.cuda.Event(enable_timing=True)
        piece.record(torch.cuda.current_stream(self._device))
        self._pieces.append(piece)
        while len(self._pieces) > self._ahead():
            self._wait(self._pieces.popleft())

    def _ahead(self) -> int:
        """Pieces that may be in store beside the one that is asked for next."""
        if len(self._took_s) < KNOWN:
            return 1
        usual_s = sum(self._took_s) / KNOWN
        return 1 + min(MOST_AHEAD, int(AHEAD_S / max(POLL_S, usual_s)))

    def _wait(self, piece: torch.cuda.Event) -> None:
        while not piece.query():
            self._ask()
            time.sleep(POLL_S)
        if self._before is not None:
            self._took_s.append(self._before.elapsed_time(piece) / 1000)
        self._before = piece
