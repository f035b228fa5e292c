"""Finds the running server, or starts one that outlives the command."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from understudy_api.client import Client
from understudy_api.endpoint import data_folder, process_exists, read_endpoint
from understudy_api.errors import ServerAway
from understudy_api.starting import start

from .voice import Voice

STOP_LIMIT_S = 165.0  # it waits up to 120 s for the running segment, then up to 30 for a step
POLL_S = 0.1
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
    roots = [part for path in shared for part in ("--root", str(path))]
    serve = ["serve", "--data-folder", str(folder), *roots, *options]
    start([sys.executable, "-m", "understudy_server", *serve], folder)


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
