# SPDX-License-Identifier: Apache-2.0
"""One companion of a user at a time: two would drive one Resolve. The second one knocks at the first, and ends."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import IO


class Alone:
    """A lock in *folder*, held from `begin` until the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._lock = folder / "companion.lock"
        self._knock = folder / "knock"
        self._held: IO[bytes] | None = None

    def begin(self, word: str) -> bool:
        """Whether no other runs; the one that does is told *word*."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        file = self._lock.open("ab")
        if _lock(file):
            self._held = file
            self._knock.unlink(missing_ok=True)
            return True
        file.close()
        beside = self._knock.with_name(f"knock.{os.getpid()}")
        beside.write_text(word, "utf-8")
        with contextlib.suppress(PermissionError):  # Windows, while the first one reads an earlier word
            beside.replace(self._knock)
        return False

    def end(self) -> None:
        if self._held:
            self._held.close()
            self._held = None

    def knocked(self) -> str:
        """The word of another that was started since; "" if there was none."""
        try:
            word = self._knock.read_text("utf-8")
            self._knock.unlink()
        except OSError:
            return ""
        return word


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
