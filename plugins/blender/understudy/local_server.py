# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the server of this machine in an environment of its own. Knows nothing of bpy; called from threads only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from ._api.endpoint import Endpoint, read_endpoint
from ._api.errors import ServerAway

START_TIMEOUT_S = 60.0
COMMAND = "understudy"


def find_program(command: str = "") -> str | None:
    """The understudy program: *command* if it can be run, or the one on PATH."""
    return shutil.which(str(Path(command).expanduser()) if command else COMMAND)


def start(program: str, data_folder: Path | None, timeout_s: float = START_TIMEOUT_S) -> Endpoint:
    """Starts a server that outlives Blender, and returns when it has written its endpoint file."""
    process = subprocess.Popen(
        [program, "serve"],
        env=_environment(data_folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path.home(),
        **_detached(),
    )
    # A process that ends and is not waited for would seem to be there until Blender quits.
    threading.Thread(target=process.wait, name="understudy-server", daemon=True).start()
    due = time.monotonic() + timeout_s
    while time.monotonic() < due:
        try:
            return read_endpoint(data_folder)
        except ServerAway:
            if (code := process.poll()) is not None:
                message = (
                    f"{program} serve ended at once (exit code {code}). Run it in a terminal to see why."
                )
                raise ServerAway(message) from None
        time.sleep(0.1)
    raise ServerAway(f"The server did not start within {timeout_s:.0f} s. Run {program} serve in a terminal.")


def _environment(data_folder: Path | None) -> dict[str, str]:
    """Ours, without what makes another Python load Blender's modules."""
    found = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    if data_folder:
        found["UNDERSTUDY_HOME"] = str(data_folder)
    return found


def _detached() -> dict[str, object]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
