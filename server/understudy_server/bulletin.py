"""Tells those who follow a job, or all jobs, that something new is written down, and shows a job's newest preview.

Followers read what is new from the store, each from where it is: a slow one holds little memory and misses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from understudy_api.v1 import job_pb2


@dataclass(frozen=True, slots=True)
class ShownPreview:
    number: int  # rises with each preview of the job
    preview: job_pb2.Preview


class Feed:
    """Names of jobs that have changed since the last look: each once, however often it changed."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}  # in the order of their first change
        self._news = asyncio.Event()

    def add(self, job: str) -> None:
        self._names[job] = None
        self._news.set()

    async def take(self, limit: int, timeout_s: float) -> list[str]:
        """At most *limit* names; none if there is no news for *timeout_s*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        names = list(self._names)[:limit]
        for name in names:
            del self._names[name]
        if not self._names:
            self._news.clear()
        return names


class Bulletin:
    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Event] = {}
        self._previews: dict[str, ShownPreview] = {}
        self._feeds: list[Feed] = []
        self._server_turn = asyncio.Event()

    def turn(self, job: str) -> asyncio.Event:
        """Set at the next news of *job*. Take it before reading the store, so that nothing falls in between."""
        return self._turns.setdefault(job, asyncio.Event())

    def server_turn(self) -> asyncio.Event:
        """Set at the next news of the server or of any job."""
        return self._server_turn

    @contextlib.contextmanager
    def feed(self) -> Iterator[Feed]:
        """News of all jobs while the block lasts. Begin it before reading the store."""
        feed = Feed()
        self._feeds.append(feed)
        try:
            yield feed
        finally:
            self._feeds.remove(feed)

    def publish(self, job: str) -> None:
        for feed in self._feeds:
            feed.add(job)
        self._turn_over(job)
        self.publish_server()

    def publish_server(self) -> None:
        """Something about the server is new."""
        self._server_turn.set()
        self._server_turn = asyncio.Event()

    def show(self, job: str, preview: job_pb2.Preview) -> None:
        """The newest preview takes the place of the one before, seen or not."""
        before = self._previews.get(job)
        self._previews[job] = ShownPreview(before.number + 1 if before else 1, preview)
        self._turn_over(job)

    def preview(self, job: str) -> ShownPreview | None:
        return self._previews.get(job)

    def forget(self, job: str) -> None:
        """The job has ended: there is no more to preview."""
        self._previews.pop(job, None)
        self.publish(job)

    def _turn_over(self, job: str) -> None:
        turn = self._turns.pop(job, None)
        if turn is not None:
            turn.set()
