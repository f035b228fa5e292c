"""Starts this machine's server, as a process of its own that outlives whoever starts it. Standard library only.

It waits for seconds: a plugin calls it from a thread.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .endpoint import Endpoint, data_folder, read_endpoint
from .errors import ServerAway

LIMIT_S = 90.0  # importing torch on a cold disk is slow
POLL_S = 0.1
GRACE_S = 3.0  # for the endpoint file of another server, which was quicker than one that ended
LOG_NAME = "server.log"  # in the data folder
NOT_STARTED = "SERVER_NOT_STARTED"
if sys.platform == "win32":
    NO_WINDOW = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    NO_WINDOW = 0


def start_server(command: Sequence[str], folder: Path | None, limit_s: float = LIMIT_S) -> Endpoint:
    """Runs *command* from a program that is not ours, such as an editor, and returns when its server is there.

    Args:
        folder: the server's data folder; None leaves it the usual one.

    Raises:
        ServerAway: it could not be run, or ended, with the last line of its log, or was not ready in time.
    """
    return start(command, folder or data_folder(), cwd=Path.home(), env=_environment(folder), limit_s=limit_s)


def start(
    command: Sequence[str],
    folder: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
) -> Endpoint:
    """The same, in this process' own environment where none is told."""
    log = folder / LOG_NAME
    try:
        process, begin = _spawned(command, log, cwd, env)
    except OSError as error:
        raise ServerAway(f"The server cannot be started: {error}.", reason=NOT_STARTED) from error
    # The system keeps an ended child until somebody asks for it; nobody else will.
    threading.Thread(target=process.wait, name="understudy-server", daemon=True).start()
    due = time.monotonic() + limit_s
    while time.monotonic() < due:
        if endpoint := _there(folder):
            return endpoint
        if (code := process.poll()) is not None:
            if endpoint := _there(folder, GRACE_S):
                return endpoint
            why = (
                _last_line(log, begin) or f"{' '.join(command)} ended with exit code {code} and said nothing."
            )
            raise ServerAway(f"The server did not start: {why} (whole log: {log})", reason=NOT_STARTED)
        time.sleep(POLL_S)
    process.terminate()
    message = f"The server was not ready after {limit_s:.0f} s. Its log may say why: {log}"
    raise ServerAway(message, reason=NOT_STARTED)


def _spawned(
    command: Sequence[str], log: Path, cwd: Path | None, env: Mapping[str, str] | None
) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and where in *log* it begins to write."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("ab") as output:
        begin = output.tell()
        process = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # it outlives us, and Ctrl-C in our terminal is not for it
            creationflags=NO_WINDOW,
        )
        return process, begin


def _there(folder: Path, grace_s: float = 0.0) -> Endpoint | None:
    due = time.monotonic() + grace_s
    while True:
        try:
            return read_endpoint(folder)
        except ServerAway:
            if time.monotonic() >= due:
                return None
        time.sleep(POLL_S)


def _last_line(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _environment(folder: Path | None) -> dict[str, str]:
    """Ours, without what makes another Python load the modules of the host's."""
    found = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    if folder:
        found["UNDERSTUDY_HOME"] = str(folder)
    return found
