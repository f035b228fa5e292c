"""What has arrived of an upload, as a file that grows in order and survives its connection."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from understudy_engine.errors import DiskFull

from ..errors import InvalidField

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Part:
    """Blocks; not for several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def begin(self, offset: int) -> None:
        """Goes on at *offset*: 0 begins anew. Raises InvalidField if less has arrived than that."""
        held = held_bytes(self.path)
        if offset > held:
            raise InvalidField(
                f"Only {held} bytes of this file have arrived; go on from there, not from {offset}.",
                field="header.offset",
                offset=held,
            )
        self._file = self.path.open("r+b" if self.path.exists() else "xb", buffering=0)
        self._file.truncate(offset)
        self._file.seek(offset)

    def write(self, data: bytes) -> None:
        """Raises DiskFull; what fitted stays."""
        assert self._file is not None
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise disk_full(self.path.parent, len(rest)) from error

    def close(self) -> None:
        """What arrived is on the disk, power cut or not."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


def held_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def disk_full(folder: Path, needed_bytes: int) -> DiskFull:
    free = shutil.disk_usage(folder).free
    return DiskFull(
        f"The server's disk is full: {free >> 20} MiB are free, and the upload needs {-(-needed_bytes >> 20)} more "
        "beside what results need. What has arrived is kept: free some space and upload again.",
        free_bytes=free,
        needed_bytes=needed_bytes,
    )
