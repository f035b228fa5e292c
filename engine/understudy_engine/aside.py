"""Work of the machine's processor while a card computes: the next segment is read, the last one is finished.

One thread does it, in the order in which it was asked for: readers of clips know where they are, and are not for two.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Generic, Self, TypeVar

from .model.between import Between

T = TypeVar("T")
Work = Callable[[Between], T]
"""Calls what it is given between two pieces, a tenth of a second apart or so."""

LOOK_S = 0.02


class NotWanted(Exception):
    """Whoever asked for the work has left."""


class Task(Generic[T]):
    """Work that was asked for."""

    def __init__(self, work: Work[T], future: Future[T] | None) -> None:
        self._work = work
        self._future = future

    @property
    def is_done(self) -> bool:
        return self._future is not None and self._future.done()

    def result(self, meanwhile: Between) -> T:
        """What became of it, *meanwhile* called until then. Without a thread it is done now."""
        if self._future is None:
            return self._work(meanwhile)
        while not self._future.done():
            meanwhile()
            wait([self._future], LOOK_S)
        return self._future.result()


class Aside:
    """The thread, or, where there is no card, none: then each task is done when its result is asked for.

    Leaving the block ends the work after its present piece.
    """

    def __init__(self, *, has_thread: bool) -> None:
        self.has_thread = has_thread
        self._pool = ThreadPoolExecutor(1, "aside") if has_thread else None
        self._is_left = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_left.set()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def do(self, work: Work[T]) -> Task[T]:
        return Task(work, None if self._pool is None else self._pool.submit(self._done, work))

    def _done(self, work: Work[T]) -> T:
        return work(self._go_on)

    def _go_on(self) -> None:
        if self._is_left.is_set():
            raise NotWanted
