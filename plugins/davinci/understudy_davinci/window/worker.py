# SPDX-License-Identifier: Apache-2.0
"""The one thread that talks to Resolve, and the way back from it to the window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


class Worker:
    """Does tasks one after another on a thread of its own. What comes of them is told where `drain` is called.

    The thread is a daemon: it ends with the program.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._told: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._run, name="understudy-resolve", daemon=True).start()

    def do(
        self,
        task: Callable[[], Result],
        then: Callable[[Result], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Has *task* done on the thread, and *then* or *failed* called by `drain`."""

        def run() -> None:
            try:
                result = task()
            except Exception as error:  # whatever it is, the window tells it
                self.tell(lambda error=error: failed(error))  # type: ignore[misc]
            else:
                self.tell(lambda: then(result))

        self._tasks.put(run)

    def tell(self, told: Callable[[], None]) -> None:
        """Has *told* called by `drain`. From any thread."""
        self._told.put(told)

    def drain(self) -> bool:
        """Calls what came, on the caller's thread; whether anything did."""
        came = False
        while True:
            try:
                told = self._told.get_nowait()
            except Empty:
                return came
            told()
            came = True

    def _run(self) -> None:
        while True:
            self._tasks.get()()
