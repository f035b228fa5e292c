"""Tells those who follow a job that something new is written down, and shows them its newest preview.

Followers read what is new from the store, each from where it is: a slow one holds no memory and misses nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from understudy_api.v1 import job_pb2


@dataclass(frozen=True, slots=True)
class ShownPreview:
    number: int  # rises with each preview of the job
    preview: job_pb2.Preview


class Bulletin:
    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Event] = {}
        self._previews: dict[str, ShownPreview] = {}

    def turn(self, job: str) -> asyncio.Event:
        """Set at the next news of *job*. Take it before reading the store, so that nothing falls in between."""
        return self._turns.setdefault(job, asyncio.Event())

    def publish(self, job: str) -> None:
        turn = self._turns.pop(job, None)
        if turn is not None:
            turn.set()

    def show(self, job: str, preview: job_pb2.Preview) -> None:
        """The newest preview takes the place of the one before, seen or not."""
        before = self._previews.get(job)
        self._previews[job] = ShownPreview(before.number + 1 if before else 1, preview)
        self.publish(job)

    def preview(self, job: str) -> ShownPreview | None:
        return self._previews.get(job)

    def forget(self, job: str) -> None:
        """The job has ended: there is no more to preview."""
        self._previews.pop(job, None)
        self.publish(job)
