"""Pictures fetched while those before them are worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

AHEAD = 3  # pictures in store: decoders and encoders take turns in being slow


@contextmanager
def ahead(pictures: Iterator[T]) -> Iterator[Iterator[T]]:
    """The same, in order, from a thread of their own: libav lets others work while it does.

    What *pictures* raises is raised in its place. What they are read with is the thread's own until the block ends.
    """
    pool = ThreadPoolExecutor(1, "ahead")
    try:
        yield _fetched(pictures, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _fetched(pictures: Iterator[T], pool: Executor) -> Iterator[T]:
    waiting: deque[Future[T | None]] = deque(pool.submit(next, pictures, None) for _ in range(AHEAD))
    while (one := waiting.popleft().result()) is not None:
        waiting.append(pool.submit(next, pictures, None))
        yield one
