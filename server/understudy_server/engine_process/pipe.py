"""An engine process's end of the pipe to its server, which is also its lifeline."""

from __future__ import annotations

import ctypes
import logging
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from .devices import devices
from .messages import AnalysisAssignment, AnyAssignment, Assignment, Beat, Message, Stop, encode, read

BEAT_S = 1.0
CPU_OF_A_BEAT = 0.1  # more of one processor than beating itself needs
READ_OF_A_BEAT = 1 << 20  # bytes: weights from a slow disk come so slowly that nothing else moves
PR_SET_PDEATHSIG = 1
ORPHAN_PATIENCE_S = 10.0  # a process whose server was killed ends within five


class ServerPipe:
    """Assignments in, messages out. When the server's end closes, this process ends at once.

    That is safe at any moment: whatever is not whole on the disk has a temporary name.
    """

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is the server's to answer
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        self._incoming, self._outgoing = _take_standard_pipes()
        self._assignments: queue.SimpleQueue[AnyAssignment] = queue.SimpleQueue()
        self._stops: dict[tuple[str, int], Stop] = {}
        self._loaded = False
        self.signs_of_life = 0  # raised by work that neither moves nor computes in this process
        self.card: dict[str, Any] = {}  # what beats tell of the GPU
        self._writing = threading.Lock()
        threading.Thread(target=self._read_all, name="server-pipe", daemon=True).start()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for an assignment to be worked on."""
        return self._assignments.empty()

    def next_assignment(self) -> AnyAssignment:
        """Blocks until there is one."""
        return self._assignments.get()

    def send(self, message: Message) -> None:
        try:
            with self._writing:
                self._outgoing.write(encode(message))
                self._outgoing.flush()
        except OSError:
            os._exit(1)  # the server is gone

    def loaded(self) -> None:
        """From now on beats tell of the devices: torch is imported, and asking it is safe."""
        self._loaded = True

    def is_stopped(self, job: str, attempt: int, *, segment_stored: bool) -> bool:
        """Whether the job is to be left now, at a step's end or, with *segment_stored*, at a segment's."""
        stop = self._stops.get((job, attempt))
        return stop is not None and (segment_stored or not stop.after_segment)

    def _read_all(self) -> None:
        while (message := read(self._incoming)) is not None:
            if isinstance(message, (Assignment, AnalysisAssignment)):
                self._assignments.put(message)
            elif isinstance(message, Stop):
                self._stops[message.job, message.attempt] = message
        os._exit(0)

    def _beat(self) -> None:
        pause = threading.Event()
        traces = _Traces()
        while not pause.wait(BEAT_S):
            told = [device.SerializeToString() for device in devices()] if self._loaded else []
            moving = traces.are_fresh(self.signs_of_life)
            self.send(Beat(moving=moving, devices=told, card=self.card))


class _Traces:
    """What work leaves behind, looked at from another thread."""

    def __init__(self) -> None:
        self._place, self._cpu_s, self._signs = _place_of_main_thread(), time.process_time(), 0
        self._read_bytes = _bytes_read()

    def are_fresh(self, signs: int) -> bool:
        """Whether the main thread is elsewhere than at the last look, somebody computed or read, or *signs* rose."""
        place, cpu_s, read_bytes = _place_of_main_thread(), time.process_time(), _bytes_read()
        computed = cpu_s - self._cpu_s > CPU_OF_A_BEAT * BEAT_S
        has_read = read_bytes - self._read_bytes > READ_OF_A_BEAT
        fresh = place != self._place or computed or has_read or signs != self._signs
        self._place, self._cpu_s, self._signs, self._read_bytes = place, cpu_s, signs, read_bytes
        return fresh


def _place_of_main_thread() -> tuple[int, int]:
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    return (id(frame), frame.f_lasti) if frame is not None else (0, 0)


def _bytes_read() -> int:
    """From files, by this process in its life: what it asked for, and what mapped files brought. 0 if nobody knows."""
    if sys.platform == "win32":
        counters = (
            ctypes.c_ulonglong * 6
        )()  # IO_COUNTERS: three numbers of calls, then bytes read, written, other
        this_process = ctypes.c_void_p(-1)
        ctypes.windll.kernel32.GetProcessIoCounters(this_process, ctypes.byref(counters))
        return int(counters[3])
    try:
        told = dict(line.split(": ") for line in Path("/proc/self/io").read_text("ascii").splitlines())
        return int(told["rchar"]) + int(told["read_bytes"])
    except (OSError, ValueError, KeyError):
        return 0


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
