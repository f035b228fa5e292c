"""The engine process's end of the pipe to its server, which is also its lifeline."""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
from typing import BinaryIO

from .messages import Assignment, Beat, Message, Stop, encode, read

BEAT_S = 1.0
PR_SET_PDEATHSIG = 1


class ServerPipe:
    """Assignments in, messages out. When the server's end closes, this process ends at once.

    That is safe at any moment: whatever is not whole on the disk has a temporary name.
    """

    def __init__(self) -> None:
        self._incoming, self._outgoing = _take_standard_pipes()
        self._assignments: queue.SimpleQueue[Assignment] = queue.SimpleQueue()
        self._stopped: set[tuple[str, int]] = set()
        self._writing = threading.Lock()
        threading.Thread(target=self._read_all, name="server-pipe", daemon=True).start()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()

    def next_assignment(self) -> Assignment:
        """Blocks until there is one."""
        return self._assignments.get()

    def send(self, message: Message) -> None:
        try:
            with self._writing:
                self._outgoing.write(encode(message))
                self._outgoing.flush()
        except OSError:
            os._exit(1)  # the server is gone

    def is_stopped(self, job: str, attempt: int) -> bool:
        return (job, attempt) in self._stopped

    def _read_all(self) -> None:
        while (message := read(self._incoming)) is not None:
            if isinstance(message, Assignment):
                self._assignments.put(message)
            elif isinstance(message, Stop):
                self._stopped.add((message.job, message.attempt))
        os._exit(0)

    def _beat(self) -> None:
        pause = threading.Event()
        while not pause.wait(BEAT_S):
            self.send(Beat())


def _take_standard_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for us alone: whoever prints in this process prints to standard error."""
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for handle in (incoming, outgoing):
            msvcrt.setmode(handle, os.O_BINARY)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")


def die_with_parent(parent: int) -> None:
    """Asks Linux to end this process with the thread that started it; elsewhere the pipe alone does that."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # the server died before it was asked
