"""One SQLite file in WAL mode: one thread writes, in groups; readers have connections of their own.

Only one connection ever writes or checkpoints, which is also what keeps clear of SQLite's WAL-reset defect (3.7.0 to
3.51.2; most Pythons bundle such a version).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from understudy_engine.errors import DiskFull

from .reserve import Reserve
from .schema import MIGRATIONS, VERSION
from .shots import adopt_jobs

T = TypeVar("T")

READERS = 2
BUSY_TIMEOUT_S = 20
GROUP_LIMIT = 256  # writes in one commit
WAL_LIMIT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class _Write:
    change: Callable[[sqlite3.Connection], Any]
    durable: bool
    outcome: Future[Any]


class Database:
    """``write`` and ``read`` take a function of a connection and return what it returns.

    On a full disk *reserve* is given up and what failed is tried once more.

    Raises DiskFull where the disk is full; sqlite3.DatabaseError if the file is no database of ours.
    """

    def __init__(self, path: Path, reserve: Reserve | None = None) -> None:
        self._path = path
        self._reserve = reserve
        self._connection = _open(path)
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._read_connections: list[sqlite3.Connection] = []
        self._writer = threading.Thread(target=self._write_all, name="store-writer", daemon=True)
        self._writer.start()

    async def write(self, change: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        """Commits *change* together with others that wait. A durable write survives a power cut.

        An exception from *change* undoes this change alone and is raised here.
        """
        outcome: Future[T] = Future()
        self._queue.put(_Write(change, durable, outcome))
        return await asyncio.wrap_future(outcome)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: query(self._read_connection()))

    def refill_reserve(self) -> None:
        """Makes the reserve again, if it was given up and there is room. Blocks."""
        if self._reserve:
            self._reserve.refill()

    def close(self) -> None:
        """Finishes what is queued. Blocks for a moment."""
        self._queue.put(None)
        self._writer.join()
        self._readers.shutdown()
        for connection in self._read_connections:
            connection.close()
        self._connection.close()

    def _read_connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
            connection.execute("PRAGMA query_only = 1")
            self._read_connections.append(connection)
            self._local.connection = connection
        found: sqlite3.Connection = self._local.connection
        return found

    def _write_all(self) -> None:
        while group := self._next_group():
            self._commit(group)

    def _next_group(self) -> list[_Write]:
        """Everything that waits, at least one; empty when the database closes."""
        group = []
        first = self._queue.get()
        while first is not None:
            group.append(first)
            if len(group) == GROUP_LIMIT or self._queue.empty():
                return group
            first = self._queue.get()
        if group:
            self._queue.put(None)  # seen again after this group
        return group

    def _commit(self, group: list[_Write]) -> None:
        running = [write for write in group if write.outcome.set_running_or_notify_cancel()]
        outcomes = self._apply_or_undo(running)
        if outcomes and isinstance(outcomes[0], DiskFull) and self._reserve and self._reserve.give_up():
            outcomes = self._apply_or_undo(running)
        for write, outcome in zip(running, outcomes, strict=True):
            if isinstance(outcome, Exception):
                write.outcome.set_exception(outcome)
            else:
                write.outcome.set_result(outcome)

    def _apply_or_undo(self, group: list[_Write]) -> list[Any]:
        try:
            return self._apply(group)
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            return [_explained(error)] * len(group)

    def _apply(self, group: list[_Write]) -> list[Any]:
        """Each write's result, or the exception that undid it."""
        durable = any(write.durable for write in group)
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._connection.execute("BEGIN IMMEDIATE")
        outcomes = [self._attempt(write.change) for write in group]
        self._connection.execute("COMMIT")
        return outcomes

    def _attempt(self, change: Callable[[sqlite3.Connection], Any]) -> Any:
        self._connection.execute("SAVEPOINT change")
        try:
            result = change(self._connection)
        except sqlite3.Error:
            raise  # of the file, not of the change: the whole group fails
        except Exception as error:
            self._connection.execute("ROLLBACK TO change")
            result = error
        self._connection.execute("RELEASE change")
        return result


def _open(path: Path) -> sqlite3.Connection:
    # Transactions are begun by hand, and by the writer thread alone.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    connection.execute("PRAGMA foreign_keys = 1")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        connection.close()
        raise sqlite3.DatabaseError(
            f"{path.name} was written by a newer version of Understudy (its format is {version}, ours {VERSION}). "
            "Use that version, or set the file aside to begin anew."
        )
    for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {migration} PRAGMA user_version = {number}; COMMIT;")
    connection.execute("BEGIN IMMEDIATE")
    adopt_jobs(connection)
    connection.execute("COMMIT")
    return connection


def _explained(error: sqlite3.Error) -> Exception:
    if error.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
        return DiskFull("The disk of the data folder is full. Free some space and try again.")
    return error
