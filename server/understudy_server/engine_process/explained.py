"""What went wrong in a process of the engine's, in words that say what to do."""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from understudy_engine.errors import DiskFull, OutOfMemory

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


GOES_ON = "the job goes on by itself; the frames it has made are kept"


def explained(error: Exception, folder: Path, then: str = GOES_ON) -> Exception:
    """*error*, or what it means for an artist; *folder* is the data folder. *then*: what comes once there is room."""
    if any(getattr(each, "errno", None) in DISK_FULL for each in _chain(error)):
        free_mib = shutil.disk_usage(folder).free >> 20
        return DiskFull(
            f"The disk is full: {free_mib} MiB are free where results are kept. Make room, and {then}.",
            free_mib=free_mib,
        )
    if _is_of_a_card(error):
        return OutOfMemory(
            "The graphics card's memory ran out. Close other programs that use it, or start the server with "
            "--plan int8 where the card can do that, and try again."
        )
    if isinstance(error, MemoryError):
        return OutOfMemory(
            "This machine's memory ran out. Close other programs, or choose a smaller work area, and try again."
        )
    return error


def _is_of_a_card(error: Exception) -> bool:
    """torch's own error; it is not imported for this."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(error, torch.OutOfMemoryError)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """*error* and what it came from: PyAV hides a failed write behind an error of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
