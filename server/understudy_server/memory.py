"""How the process of the API treats its memory."""

from __future__ import annotations

import contextlib
import ctypes
import sys

M_MMAP_THRESHOLD = -3  # of mallopt(3)
LARGE_BYTES = 1 << 17  # glibc's own threshold, but fixed


def give_back_large_blocks() -> None:
    """Blocks of 128 KiB and more go back to the system when they are freed.

    glibc raises that threshold with every large block that is freed, up to 32 MiB; frames and packets then stay with
    the process in pieces. Of use on Linux with glibc; elsewhere nothing is changed.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a libc without mallopt
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
