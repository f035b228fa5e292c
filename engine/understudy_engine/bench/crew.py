"""Test clips spread over processes, each a station with a model of its own on the same device.

One process leaves a GPU waiting: a small model's time is Python's, and so is that of files and pictures.
"""

from __future__ import annotations

import signal
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import cast

import torch

from ..errors import EngineError
from ..training.studio.frozen import TEST_SEEDS
from .station import Measured, Setup, Station


def measured(setup: Setup, numbers: Sequence[int], workers: int = 1) -> Iterator[Measured]:
    """The test clips *numbers*, in the order in which they are done, by *workers* processes or by this one.

    Raises EngineError as a station does, or if a process ends without an answer, naming the clip.
    """
    if workers == 1:
        yield from map(Station(setup).measure, numbers)
        return
    longest_first = sorted(numbers, key=setup.frames_of, reverse=True)
    with _started(setup, min(workers, len(numbers))) as links:
        yield from _answers(links, longest_first)


def _answers(links: Sequence[Connection], numbers: Sequence[int]) -> Iterator[Measured]:
    """Whoever has nothing to do gets the next number."""
    waiting, idle, busy = deque(numbers), list(links), dict[Connection, int]()
    while waiting or busy:
        while waiting and idle:
            link = idle.pop()
            busy[link] = waiting.popleft()
            with suppress(OSError):  # that it has ended is told where its answer is read
                link.send(busy[link])
        for link in cast("list[Connection]", wait(list(busy))):
            yield _answer(link, busy.pop(link))
            idle.append(link)


def _answer(link: Connection, number: int) -> Measured:
    try:
        answer: Measured | EngineError = link.recv()
    except (EOFError, OSError) as ended:
        seed = TEST_SEEDS[number]
        raise EngineError(
            f"The process that measured the test clip of seed {seed} has ended without a result. If it left no "
            "message above, the system ended it, most likely for memory: use fewer workers.",
            seed=seed,
        ) from ended
    if isinstance(answer, EngineError):
        raise answer
    return answer


@contextmanager
def _started(setup: Setup, workers: int) -> Iterator[list[Connection]]:
    """Connections to *workers* processes that live as long as the block, and so do their temporary files."""
    context = get_context("spawn")  # CUDA does not survive a fork
    threads = max(1, torch.get_num_threads() // workers)
    links, processes = [], []
    with tempfile.TemporaryDirectory() as scratch:
        try:
            for _ in range(workers):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, setup, threads, scratch), daemon=True)
                process.start()
                theirs.close()
                links.append(ours)
                processes.append(process)
            yield links
        finally:
            for process in processes:
                process.kill()  # it has nothing to finish
                process.join()
            for link in links:
                link.close()


def _work(link: Connection, setup: Setup, threads: int, scratch: str) -> None:
    """Answers each number with what was measured, for as long as anybody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked ends this process too
    tempfile.tempdir = scratch
    torch.set_num_threads(threads)
    try:
        station = Station(setup)
        while True:
            link.send(station.measure(link.recv()))
    except EngineError as error:
        link.send(error)
