# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the Understudy server of this machine, and starts it when none runs. Knows nothing of bpy.

Everything here may wait for seconds: it is called from threads only.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ._api.endpoint import Endpoint, read_endpoint
from ._api.errors import ServerAway, Unsupported

if TYPE_CHECKING:
    from ._api.client import Client
    from ._api.v1 import model_pb2

START_TIMEOUT_S = 60.0
COMMAND = "understudy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChoice:
    """What the preferences say of the server."""

    command: str = ""  # of the understudy program; empty: looked for on PATH
    may_start: bool = True
    data_folder: Path | None = None  # None: the usual one of this user
    online_access: bool = False  # Blender's own permission to reach other machines


@dataclass(frozen=True, slots=True)
class About:
    """What the panel shows of the server."""

    line: str
    notice: str = ""  # the honest line about its model, if there is one
    four_step: bool = True  # its model makes a part in four steps; not known yet counts as yes


def connect(choice: ServerChoice, say: Callable[[str], None] = lambda text: None) -> Client:
    """A client whose server has answered. *say* is told what is waited for.

    Raises:
        ServerAway: no server runs, and none could be started.
        TokenRefused: the server does not know this user.
        Unsupported: the server is another machine, and Blender may not go online.
    """
    # grpc takes a fifth of a second to import: not at Blender's start.
    from ._api.client import Client

    try:
        endpoint = read_endpoint(choice.data_folder)
    except ServerAway as away:
        program = find_program(choice.command) if choice.may_start else None
        if program is None:
            raise _how_to_start(choice, away) from away
        say("starting the server")
        endpoint = start(program, choice.data_folder)
    _refuse_remote(endpoint, choice)
    return Client.connect(folder=choice.data_folder)


def describe(choice: ServerChoice) -> About:
    """The server that runs now."""
    client = connect(choice)
    try:
        info, model = client.info(), served_model(client)
    finally:
        client.close()
    device = info.devices[0].name if info.devices else "no device"
    line = f"Server {info.version} on {device}, {info.queued_jobs} waiting"
    return About(line, model.notice, model.four_step)


def served_model(client: Client) -> model_pb2.Model:
    """The model that makes our jobs, which name none."""
    from ._api.v1 import model_pb2

    return next((model for model in client.models() if model.is_default), model_pb2.Model())


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


def _how_to_start(choice: ServerChoice, away: ServerAway) -> ServerAway:
    if choice.may_start and choice.command:
        text = (
            f"{choice.command} cannot be run. Choose the understudy program in the extension's preferences."
        )
    elif choice.may_start:
        text = "No server runs. Run understudy serve, or choose the program in the extension's preferences."
    else:
        text = away.message
    return ServerAway(text, reason=away.reason, metadata=away.metadata)


def _refuse_remote(endpoint: Endpoint, choice: ServerChoice) -> None:
    host = endpoint.address.rpartition(":")[0].strip("[]")
    if choice.online_access or host == "localhost" or ipaddress.ip_address(host).is_loopback:
        return
    raise Unsupported(
        f"The server is on another machine ({host}) and Blender may not go online. "
        "Allow Online Access in Preferences > System."
    )
