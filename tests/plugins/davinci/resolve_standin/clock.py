"""Time in the stand-in: it passes when a test or a sleeping plugin lets it."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """A clock that only moves by hand; whoever waits for it is called as it moves. Hand `sleep` to the plugin."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.on_advance: list[Callable[[float], None]] = []

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
        for listener in self.on_advance:
            listener(seconds)
