"""The engine process: ``python -m understudy_server.engine_process.worker DATA_FOLDER FACTORY MODEL THREADS PARENT``.

Loads the model once, then renders the jobs it is given, one after the other.
"""

from __future__ import annotations

import errno
import logging
import shutil
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import cast

from understudy_engine.errors import DiskFull, OutOfMemory

from ..errors import to_status
from ..presence import held
from ..storage import DataFolder
from .devices import devices
from .factory import EngineLike, find
from .messages import Assignment, Failed, LoadFailed, Message, Ready, SegmentStored, Stopped
from .pipe import ServerPipe, die_with_parent
from .render import render

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ORPHAN_PATIENCE_S = 10.0  # an engine whose server was killed ends within five

log = logging.getLogger(__name__)


class Left(Exception):
    """The job is left in the middle of its joining or delivery."""


def main() -> None:
    folder, factory, model, threads, parent = sys.argv[1:]
    die_with_parent(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is the server's to answer
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    pipe = ServerPipe()
    data = DataFolder(Path(folder))
    with held(data.engine_lock, ORPHAN_PATIENCE_S):  # two engines must never write to one store
        data.sweep()
        try:
            engine = find(factory)(model, int(threads), data.path)
        except Exception as error:
            log.exception("loading %s", model)
            pipe.send(LoadFailed(status=to_status(error).SerializeToString()))
            return
        pipe.loaded()
        pipe.send(Ready(devices=[device.SerializeToString() for device in devices()]))
        while True:
            _work_on(engine, pipe.next_assignment(), data, pipe)


def _work_on(engine: EngineLike, assignment: Assignment, data: DataFolder, pipe: ServerPipe) -> None:
    """Renders one job; what goes wrong is told, and the process lives on."""
    of = (assignment.job, assignment.attempt)

    def meanwhile() -> None:
        pipe.signs_of_life += 1
        if pipe.is_stopped(*of, segment_stored=False):
            raise Left

    folder = data.job(assignment.job)
    messages = cast("Generator[Message]", render(engine, assignment, folder, meanwhile))
    stored = False
    try:
        while not pipe.is_stopped(*of, segment_stored=stored):
            message = next(messages, None)
            if message is None:
                return
            pipe.send(message)
            stored = isinstance(message, SegmentStored)
        messages.close()
        pipe.send(Stopped(job=assignment.job, attempt=assignment.attempt))
    except Left:
        data.sweep(folder.path.name)
        pipe.send(Stopped(job=assignment.job, attempt=assignment.attempt))
    except Exception as error:
        log.exception("%s, attempt %d", assignment.job, assignment.attempt)
        told = to_status(_explained(error, data.path)).SerializeToString()
        pipe.send(Failed(job=assignment.job, attempt=assignment.attempt, status=told))


def _explained(error: Exception, folder: Path) -> Exception:
    if any(getattr(each, "errno", None) in DISK_FULL for each in _chain(error)):
        free_mib = shutil.disk_usage(folder).free >> 20
        return DiskFull(
            f"The disk is full: {free_mib} MiB are free where results are kept. Make room, and the job goes on by "
            "itself; the frames it has made are kept.",
            free_mib=free_mib,
        )
    if isinstance(error, MemoryError):
        return OutOfMemory(
            "This machine's memory ran out. Close other programs, or choose a smaller work area, and try again."
        )
    return error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """*error* and what it came from: PyAV hides a failed write behind an error of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


if __name__ == "__main__":
    main()
