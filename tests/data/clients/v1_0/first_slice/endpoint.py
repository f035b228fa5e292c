"""Where the running server is: one small file in the data folder, readable by its owner alone.

The server writes it when it is ready; clients and plugins read it. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import ServerAway

FILE_NAME = "endpoint.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How to reach one server.

    ``instance_id`` changes whenever a server starts. ``token`` is secret and is left out of ``repr``.
    """

    address: str  # "127.0.0.1:51234"
    token: str = field(repr=False)
    pid: int  # of the server's process
    instance_id: str
    version: str  # of the product, "0.1.0"


def data_folder() -> Path:
    """The folder that holds the endpoint file, jobs and logs of this user.

    UNDERSTUDY_HOME if set; otherwise ~/.local/share/understudy (XDG_DATA_HOME), ~/Library/Application
    Support/understudy on macOS, %LOCALAPPDATA%\\understudy on Windows. It need not exist yet.
    """
    if chosen := os.environ.get("UNDERSTUDY_HOME"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "understudy"


def read_endpoint(folder: Path | None = None) -> Endpoint:
    """The server that runs now, by the file in *folder* (the data folder if None).

    Raises:
        ServerAway: no file (reason SERVER_NOT_RUNNING), its process is gone (SERVER_GONE), or the file cannot
            be read (ENDPOINT_UNREADABLE).
    """
    path = (folder or data_folder()) / FILE_NAME
    try:
        endpoint = _parse(path.read_text("utf-8"))
    except FileNotFoundError:
        message = "No Understudy server is running. Start one with: understudy serve"
        raise ServerAway(message, reason="SERVER_NOT_RUNNING") from None
    except (OSError, ValueError) as error:
        message = (
            f"{path} should say where the server is and cannot be read ({error}). Delete it and start again."
        )
        raise ServerAway(message, reason="ENDPOINT_UNREADABLE", metadata={"path": str(path)}) from error
    if not process_exists(endpoint.pid):
        message = f"The server (process {endpoint.pid}) has stopped. Start it again with: understudy serve"
        raise ServerAway(message, reason="SERVER_GONE", metadata={"pid": str(endpoint.pid)})
    return endpoint


def write_endpoint(endpoint: Endpoint, folder: Path | None = None) -> Path:
    """Writes the file as a whole or not at all, for the owner's eyes only (0600), and returns its path."""
    folder = folder or data_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=folder)  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(endpoint), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        return Path(name).replace(folder / FILE_NAME)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_endpoint(instance_id: str, folder: Path | None = None) -> None:
    """Removes the file if it still speaks of this server, and not of one that was started since."""
    path = (folder or data_folder()) / FILE_NAME
    with contextlib.suppress(OSError, ValueError):
        if _parse(path.read_text("utf-8")).instance_id == instance_id:
            path.unlink()


def process_exists(pid: int) -> bool:
    if sys.platform == "win32":
        return _windows_process_exists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _parse(text: str) -> Endpoint:
    """Raises ValueError if *text* is not what write_endpoint writes. Unknown keys are left aside."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    known: dict[str, Any] = {}
    for item in fields(Endpoint):
        known[item.name] = found.get(item.name)
        if not isinstance(known[item.name], int if item.name == "pid" else str):
            raise ValueError(f"{item.name} is missing")
    if known["pid"] <= 0:
        raise ValueError("pid is not positive")
    return Endpoint(**known)


def _windows_process_exists(pid: int) -> bool:
    # os.kill(pid, 0) ends the process on Windows, so the system is asked.
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
