"""Holds the queue when one job after another takes the engine down: then it is hardly the jobs."""

from __future__ import annotations

import time
from collections.abc import Callable


class Hold:
    """Closed by *deaths* engine deaths within *seconds* if more than one job had a part in them.

    Opens again after *seconds*, or when somebody does something about it.
    """

    def __init__(self, deaths: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = deaths
        self._seconds = seconds
        self._clock = clock
        self._deaths: list[tuple[float, str]] = []

    def died(self, job: str) -> None:
        self._deaths = [*self._recent(), (self._clock(), job)]

    def open(self) -> None:
        self._deaths = []

    @property
    def remaining_s(self) -> float:
        """How long the queue still stands still; 0 if it does not."""
        recent = self._recent()
        if len(recent) < self._limit or len({job for _, job in recent}) < 2:
            return 0.0
        return max(0.0, recent[-1][0] + self._seconds - self._clock())

    @property
    def reason(self) -> str:
        """In words for the artist, or ""."""
        remaining = self.remaining_s
        if not remaining:
            return ""
        jobs = len({job for _, job in self._recent()})
        return (
            f"The engine died {len(self._recent())} times under {jobs} jobs. The queue goes on in {remaining:.0f} s, "
            "or as soon as a job is created, resumed or cancelled. engine.log in the data folder may tell why."
        )

    def _recent(self) -> list[tuple[float, str]]:
        since = self._clock() - self._seconds
        return [death for death in self._deaths if death[0] > since]
