# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that threads do for the main thread. Knows nothing of bpy."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

Done = Callable[[], None]
Post = Callable[[Done], None]

log = logging.getLogger(__name__)


class Errands:
    """Threads post what is to be done on the main thread, which does it when it drains them."""

    def __init__(self) -> None:
        self._posts: SimpleQueue[Done] = SimpleQueue()
        self._open = 0  # main thread only

    @property
    def pending(self) -> bool:
        """Whether an errand has not ended, or something is posted."""
        return self._open > 0 or not self._posts.empty()

    def begin(self, work: Callable[[Post], Done | None], name: str) -> None:
        """Runs *work* on a thread; what it posts, and at last what it returns, is done on the main thread.

        *work* handles its own errors: one that comes out of it is a defect, and is logged.
        """
        self._open += 1

        def run() -> None:
            last: Done | None = None
            try:
                last = work(self._posts.put)
            except Exception:
                log.exception("%s failed", name)
            self._posts.put(lambda: self._end(last))

        threading.Thread(target=run, name=f"understudy-{name}", daemon=True).start()

    def post(self, done: Done) -> None:
        """Has *done* done on the main thread. From any thread."""
        self._posts.put(done)

    def take(self, deadline: float) -> bool:
        """Does what was posted until nothing is left or the monotonic clock passes *deadline*; whether any was."""
        changed = False
        while time.monotonic() < deadline:
            try:
                done = self._posts.get_nowait()
            except Empty:
                break
            try:
                done()
            except Exception:  # the timer that calls this serves all jobs, and Blender stops one that breaks
                log.exception("what a thread posted failed")
            changed = True
        return changed

    def _end(self, last: Done | None) -> None:
        self._open -= 1
        if last is not None:
            last()
