"""What a thread makes one by one, as a stream of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


async def in_thread(threads: Executor, items: Generator[T]) -> AsyncGenerator[T]:
    """*items*, none of which is None, each made in one of *threads* when it is asked for."""
    loop = asyncio.get_running_loop()
    making = loop.run_in_executor(threads, next, items, None)
    try:
        # shielded: a client that leaves must not leave the generator running in its thread
        while (item := await asyncio.shield(making)) is not None:
            yield item
            making = loop.run_in_executor(threads, next, items, None)
    finally:
        await asyncio.wait({making})
        await loop.run_in_executor(threads, items.close)
