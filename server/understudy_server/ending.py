"""When and how the server ends."""

from __future__ import annotations

import asyncio


class Ending:
    """Wished by a signal or by DrainServer; a second signal means: now."""

    def __init__(self) -> None:
        self.wished = asyncio.Event()
        self.hurried = asyncio.Event()
        self.patience_s = 0.0  # how long the running segment may still take

    def wish(self, patience_s: float) -> None:
        """A wish after the first one changes nothing."""
        if not self.wished.is_set():
            self.patience_s = patience_s
            self.wished.set()

    def hurry(self) -> None:
        """Leave the running job where it is; it goes on at the next start."""
        self.wish(0.0)
        self.hurried.set()
