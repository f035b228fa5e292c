"""One server for a data folder, and a file that says where it is."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import understudy_api.errors
from understudy_api.endpoint import Endpoint, read_endpoint, remove_endpoint, write_endpoint

from . import __version__
from .errors import AlreadyRunning

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


POLL_S = 0.05


@contextmanager
def held(path: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Holds the lock file *path* for this process; the system lets go of it however the process ends.

    Raises BlockingIOError or PermissionError (an OSError either way) if another process holds it for *wait_s*.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock_within(handle, wait_s)
        yield
    finally:
        os.close(handle)


def _lock_within(handle: int, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return _lock(handle)
        except OSError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(POLL_S)


@contextmanager
def only_server(lock: Path) -> Iterator[None]:
    """Raises AlreadyRunning, with the other's process and address, if *lock* is held."""
    with ExitStack() as stack:
        try:
            stack.enter_context(held(lock))
        except (BlockingIOError, PermissionError):
            raise _already_running(lock.parent) from None
        yield


def _already_running(folder: Path) -> AlreadyRunning:
    try:
        other = read_endpoint(folder)
    except understudy_api.errors.ServerAway:
        return AlreadyRunning(
            "Another Understudy server is just starting with this data folder. Try again in a moment."
        )
    return AlreadyRunning(
        f"An Understudy server is running already: process {other.pid} at {other.address}. "
        "Use it, or end it first; a second one needs a data folder of its own (UNDERSTUDY_HOME).",
        pid=other.pid,
        address=other.address,
    )


@contextmanager
def announced(folder: Path, address: str, token: str, instance_id: str) -> Iterator[None]:
    """Writes endpoint.json while the block runs."""
    endpoint = Endpoint(
        address=address, token=token, pid=os.getpid(), instance_id=instance_id, version=__version__
    )
    write_endpoint(endpoint, folder)
    try:
        yield
    finally:
        remove_endpoint(instance_id, folder)


def new_token() -> str:
    return secrets.token_urlsafe(32)  # 256 bits
