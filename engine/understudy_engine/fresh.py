"""Where memory ran out, a job goes on in a new thread, so that its pixels stay the same.

For every shape torch keeps the kernel that cuDNN chose, and each thread chooses for itself. On an H200 (torch 2.11) a
thread in which memory had been refused encoded the same video to other last bits from then on: a kernel that does not
get the memory it works in gives way, without a word, to one that needs less.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

import torch

T = TypeVar("T")


def refusals(device: torch.device) -> int:
    """How often this process was refused memory of *device*, whether somebody heard of it or not."""
    return int(torch.cuda.memory_stats(device).get("num_ooms", 0)) if device.type == "cuda" else 0


class FreshThread:
    """Whoever asks computes, until memory is refused for the first time."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._known = refusals(device)
        self._pool: ThreadPoolExecutor | None = None

    def each(self, made: Generator[T]) -> Iterator[T]:
        """What *made* gives, computed by a thread in which memory was never refused."""
        try:
            while (one := self._next(made)) is not None:
                yield one
        except GeneratorExit:
            made.close()
            raise

    def _next(self, made: Generator[T]) -> T | None:
        if (count := refusals(self._device)) != self._known:
            self._known = count
            self._begin_anew()
        if self._pool is None:
            return next(made, None)
        step: Callable[[], T | None] = partial(next, made, None)
        return self._pool.submit(copy_context().run, step).result()

    def _begin_anew(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False)  # it has nothing to do
        self._pool = ThreadPoolExecutor(1, "engine")
