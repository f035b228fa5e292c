"""A file that does nothing but take room, so that some can be made when the disk is full."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

BLOCK = 1 << 20


class Reserve:
    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def give_up(self) -> bool:
        """Whether there was something to give up."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def refill(self) -> None:
        """Takes the room again if as much is left over beside it; otherwise does nothing."""
        with contextlib.suppress(OSError):
            there = self._path.exists() and self._path.stat().st_size >= self._size_bytes
            if not there and shutil.disk_usage(self._path.parent).free >= 2 * self._size_bytes:
                self._fill()

    def _fill(self) -> None:
        partial = self._path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, self._size_bytes)
                else:  # zeros, written out: a file with a hole takes no room
                    for start in range(0, self._size_bytes, BLOCK):
                        file.write(bytes(min(BLOCK, self._size_bytes - start)))
            partial.replace(self._path)
        finally:
            partial.unlink(missing_ok=True)
