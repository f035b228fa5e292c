"""A process's own limits, set by itself before it opens a stranger's file."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from .wire import DecoderLimits

OPEN_FILES = 64


def take_standard_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for us alone: whatever else prints goes to standard error."""
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for handle in (requests, answers):
            msvcrt.setmode(handle, os.O_BINARY)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


def confine(limits: DecoderLimits, *, may_write: bool = False) -> None:
    """Bounds memory, processor time and open files for this process, and makes files unwritable unless *may_write*.

    What this process was started with is only ever narrowed.
    """
    if sys.platform == "win32":
        return  # isolated.py's clock still holds
    import resource

    _narrow(resource.RLIMIT_CORE, 0)
    _narrow(resource.RLIMIT_NOFILE, OPEN_FILES)
    if not may_write:
        _narrow(resource.RLIMIT_FSIZE, 0)
    if sys.platform == "linux":  # macOS does not know it
        _narrow(resource.RLIMIT_AS, limits.memory_bytes)
    allow_more_seconds(limits.seconds)


def _narrow(kind: int, bound: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
    resource.setrlimit(kind, (bound, bound))


def allow_more_seconds(seconds: int) -> None:
    """Ends this process *seconds* of processor time from now, all threads together."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )
