"""One command at a time that writes a folder of weights, and what the disk refuses in words."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from understudy_engine.errors import DiskFull, RequestError

from .presence import held

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other command that asks writes *folder* meanwhile. What a killed one was staging beside it is cleared away.

    Raises:
        RequestError: another command is at it, or the folder cannot be written. DiskFull.
    """
    lock = folder.with_name(f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with held(lock):
            for left in folder.parent.iterdir():
                if re.fullmatch(rf"\.{re.escape(folder.name)}\.[0-9a-f]{{8}}\.partial", left.name):
                    shutil.rmtree(left)
            try:
                yield
            finally:
                with suppress(OSError):  # Windows keeps what is open
                    lock.unlink()
    except OSError as error:
        raise _told(folder, error) from error


def _told(folder: Path, error: OSError) -> Exception:
    if error.errno in FULL:
        return disk_full(folder.name, error)
    if isinstance(error, BlockingIOError | PermissionError) and error.filename is None:  # the lock's own
        return RequestError(f"Another command is writing {folder}. Wait until it is done.")
    return RequestError(
        f"{folder} cannot be written: {error.strerror or error} ({error.filename}). Put that right, or choose another "
        "folder.",
        path=str(folder),
    )


def disk_full(name: str, error: OSError) -> DiskFull:
    if error.errno == errno.EFBIG:
        return DiskFull(
            f"The disk cannot hold files as large as {name} (FAT32 ends at 4 GB). Use a disk with another file system."
        )
    return DiskFull(f"The disk is full: {name} could not be written. Make room, then pull again.")
