"""Finds the running server, or starts one that outlives the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from understudy_api.client import Client
from understudy_api.endpoint import data_folder, process_exists, read_endpoint
from understudy_api.errors import ServerAway

from .voice import Voice

START_LIMIT_S = 90.0  # importing torch on a cold disk is slow
STOP_LIMIT_S = 165.0  # it waits up to 120 s for the running segment, then up to 30 for a step
POLL_S = 0.1
if sys.platform == "win32":
    NO_WINDOW = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    NO_WINDOW = 0
NOT_RUNNING = ("SERVER_NOT_RUNNING", "SERVER_GONE", "ENDPOINT_UNREADABLE")


def connect(folder: Path | None = None) -> Client:
    """A client of the running server. Raises ServerAway if there is none."""
    return Client.connect(folder=folder)


def connect_or_start(
    voice: Voice, *, shared: Iterable[Path] = (), folder: Path | None = None, options: Iterable[str] = ()
) -> tuple[Client, bool]:
    """A client, and whether a server was started for it, which shares *shared* beside the usual folders."""
    try:
        return connect(folder), False
    except ServerAway as error:
        if error.reason not in NOT_RUNNING:
            raise
    voice.say("No server is running: starting one.")
    start_server(folder or data_folder(), shared, options)
    return connect(folder), True


def start_server(folder: Path, shared: Iterable[Path], options: Iterable[str] = ()) -> None:
    """Starts a server that goes on after this process, and returns when its endpoint file is there.

    Raises ServerAway, with the last line of its log, if it ends instead.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = folder / "server.log"
    with log.open("ab") as output:
        start = output.tell()
        process = _spawn(folder, shared, options, output)
    # The system keeps an ended child until somebody asks for it; nobody else will.
    threading.Thread(target=process.wait, name="understudy-server", daemon=True).start()
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if _is_up(folder):
            return
        if process.poll() is not None and not _is_up(folder, grace_s=3.0):  # another may have been quicker
            message = f"The server did not start: {_last_line(log, start)} (whole log: {log})"
            raise ServerAway(message, reason="SERVER_NOT_STARTED")
        time.sleep(POLL_S)
    process.terminate()
    message = f"The server was not ready after {START_LIMIT_S:.0f} s. Its log may say why: {log}"
    raise ServerAway(message, reason="SERVER_NOT_STARTED")


def _spawn(
    folder: Path, shared: Iterable[Path], options: Iterable[str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    roots = [part for path in shared for part in ("--root", str(path))]
    serve = ["serve", "--data-folder", str(folder), *roots, *options]
    return subprocess.Popen(
        [sys.executable, "-m", "understudy_server", *serve],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C in this terminal is not for the server
        creationflags=NO_WINDOW,
    )


def stop_server(folder: Path | None = None) -> int:
    """Asks the running server to end, waits until it has, and returns its process id.

    Raises ServerAway if none runs or if it does not end.
    """
    pid = read_endpoint(folder).pid
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT_S
    while process_exists(pid):
        if time.monotonic() > deadline:
            message = (
                f"The server (process {pid}) has not ended after {STOP_LIMIT_S:.0f} s. End it by its number."
            )
            raise ServerAway(message, reason="SERVER_NOT_STOPPED", metadata={"pid": str(pid)})
        time.sleep(POLL_S)
    return pid


def _is_up(folder: Path, grace_s: float = 0.0) -> bool:
    deadline = time.monotonic() + grace_s
    while True:
        try:
            read_endpoint(folder)
            return True
        except ServerAway:
            if time.monotonic() >= deadline:
                return False
        time.sleep(POLL_S)


def _last_line(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing."
