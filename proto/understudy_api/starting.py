"""Starts this machine's server for a plugin, as a process of its own that outlives it. Standard library only.

It waits for seconds: call it from a thread.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from .endpoint import Endpoint, read_endpoint
from .errors import ServerAway

START_TIMEOUT_S = 60.0
NOT_STARTED = "SERVER_NOT_STARTED"
if sys.platform == "win32":
    NO_WINDOW = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    NO_WINDOW = 0


def start_server(
    command: Sequence[str], data_folder: Path | None, timeout_s: float = START_TIMEOUT_S
) -> Endpoint:
    """Runs *command*, and returns when its server has written its endpoint file.

    Args:
        data_folder: the server's; None leaves it the usual one.

    Raises:
        ServerAway: it ended, or was not ready in time.
    """
    process = subprocess.Popen(
        command,
        env=_environment(data_folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path.home(),
        start_new_session=True,  # it outlives us
        creationflags=NO_WINDOW,
    )
    # A process that ends and is not waited for would seem to be there until its parent quits.
    threading.Thread(target=process.wait, name="understudy-server", daemon=True).start()
    shown = " ".join(command)
    due = time.monotonic() + timeout_s
    while time.monotonic() < due:
        try:
            return read_endpoint(data_folder)
        except ServerAway:
            if (code := process.poll()) is not None:
                message = f"{shown} ended at once (exit code {code}). Run it in a terminal to see why."
                raise ServerAway(message, reason=NOT_STARTED) from None
        time.sleep(0.1)
    raise ServerAway(
        f"The server did not start within {timeout_s:.0f} s. Run {shown} in a terminal.", reason=NOT_STARTED
    )


def _environment(data_folder: Path | None) -> dict[str, str]:
    """Ours, without what makes another Python load the modules of the host's."""
    found = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    if data_folder:
        found["UNDERSTUDY_HOME"] = str(data_folder)
    return found
