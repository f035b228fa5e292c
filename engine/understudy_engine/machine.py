"""The machine's own memory, as far as the system tells. No torch."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
AVAILABLE = "MemAvailable:"  # counts what the system would give up; in KiB


def available_bytes() -> int | None:
    """That a program could still get; None where nobody tells."""
    if sys.platform == "win32":
        return _on_windows()
    if not MEMINFO.exists():
        return None
    lines = MEMINFO.read_text("ascii").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(AVAILABLE)), None)


def _on_windows() -> int | None:
    class MemoryStatus(ctypes.Structure):  # MEMORYSTATUSEX
        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64),
            ("available", ctypes.c_uint64),
            ("others", ctypes.c_uint64 * 5),
        )

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    library = getattr(ctypes, "windll").kernel32  # noqa: B009 # there on Windows alone
    return int(status.available) if library.GlobalMemoryStatusEx(ctypes.byref(status)) else None
