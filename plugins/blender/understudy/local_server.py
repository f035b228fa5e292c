# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the server of this machine in an environment of its own. Knows nothing of bpy; called from threads only."""

from __future__ import annotations

import shutil
from pathlib import Path

from ._api.endpoint import Endpoint
from ._api.starting import start_server

COMMAND = "understudy"


def find_program(command: str = "") -> str | None:
    """The understudy program: *command* if it can be run, or the one on PATH."""
    return shutil.which(str(Path(command).expanduser()) if command else COMMAND)


def start(program: str, data_folder: Path | None) -> Endpoint:
    """Starts a server that outlives Blender, and returns when it has written its endpoint file."""
    return start_server([program, "serve"], data_folder)
