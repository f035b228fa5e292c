"""Analyses, and the frames that were given in them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from understudy_api.v1 import analysis_pb2, job_pb2, media_pb2

from ..errors import AnalysisNotFound, QueueFull
from .database import Database
from .media import refuse_needed

State: TypeAlias = analysis_pb2.AnalysisState.ValueType

QUEUED = analysis_pb2.ANALYSIS_STATE_QUEUED
RUNNING = analysis_pb2.ANALYSIS_STATE_RUNNING
SUCCEEDED = analysis_pb2.ANALYSIS_STATE_SUCCEEDED
FAILED = analysis_pb2.ANALYSIS_STATE_FAILED
CANCELLED = analysis_pb2.ANALYSIS_STATE_CANCELLED
ENDED: frozenset[State] = frozenset({SUCCEEDED, FAILED, CANCELLED})

POINTS, MATTE = "points", "matte"  # kinds of given frames

NAMED = """
SELECT 1 FROM jobs WHERE instr(body, :needle) UNION ALL SELECT 1 FROM takes WHERE instr(work, :needle) LIMIT 1
"""


class AnalysisEdit:
    """``analysis`` may be changed freely; what is done with given frames is written together with it."""

    def __init__(self, connection: sqlite3.Connection, analysis: analysis_pb2.Analysis) -> None:
        self.analysis = analysis
        self._connection = connection
        self._before = analysis.state

    def requeue(self) -> None:
        """At the end of the queue; one that waits keeps its place."""
        self.analysis.state = QUEUED
        for field in ("error", "progress", "warnings", "found"):
            self.analysis.ClearField(field)

    def give(self, kind: str, frame: int, body: bytes) -> bool:
        """Whether that is another one than before."""
        row = (self.analysis.name, kind, frame)
        query = "SELECT 1 FROM given_frames WHERE analysis = ? AND kind = ? AND frame = ? AND body = ?"
        if self._connection.execute(query, (*row, body)).fetchone():
            return False
        self._connection.execute("INSERT OR REPLACE INTO given_frames VALUES (?, ?, ?, ?)", (*row, body))
        return True

    def take_back(self, kind: str, frame: int) -> bool:
        """Whether there was one."""
        query = "DELETE FROM given_frames WHERE analysis = ? AND kind = ? AND frame = ?"
        return bool(self._connection.execute(query, (self.analysis.name, kind, frame)).rowcount)

    def given(self, kind: str) -> list[int]:
        """Frames."""
        query = "SELECT frame FROM given_frames WHERE analysis = ? AND kind = ? ORDER BY frame"
        return [frame for (frame,) in self._connection.execute(query, (self.analysis.name, kind))]

    def save(self) -> None:
        analysis = self.analysis
        turn = "turn" if analysis.state == self._before else "(SELECT MAX(turn) + 1 FROM analyses)"
        self._connection.execute(
            f"UPDATE analyses SET state = ?, turn = {turn}, body = ? WHERE name = ?",
            (analysis.state, analysis.SerializeToString(), analysis.name),
        )


class AnalysisStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, analysis: analysis_pb2.Analysis, content: bytes, max_queued: int
    ) -> analysis_pb2.Analysis:
        """Writes *analysis* down as QUEUED, or returns the one of that *content*: QUEUED again if it FAILED or was
        CANCELLED.

        Raises QueueFull if *max_queued* wait already.
        """

        def change(connection: sqlite3.Connection) -> analysis_pb2.Analysis:
            row = connection.execute("SELECT name FROM analyses WHERE content = ?", (content,)).fetchone()
            edit = None if row is None else AnalysisEdit(connection, _get(connection, row[0]))
            if edit is not None and edit.analysis.state not in (FAILED, CANCELLED):
                return edit.analysis
            _check_room(connection, max_queued)
            if edit is not None:
                edit.requeue()
                edit.save()
                return edit.analysis
            analysis.state = QUEUED
            connection.execute(
                "INSERT INTO analyses (name, content, state, turn, body) "
                "VALUES (?, ?, ?, (SELECT IFNULL(MAX(turn), 0) + 1 FROM analyses), ?)",
                (analysis.name, content, analysis.state, analysis.SerializeToString()),
            )
            return analysis

        return await self._database.write(change, durable=True)

    async def get(self, name: str) -> analysis_pb2.Analysis:
        """Raises AnalysisNotFound."""
        return await self._database.read(lambda connection: _get(connection, name))

    async def page(self, limit: int, before_id: int | None) -> tuple[list[analysis_pb2.Analysis], int | None]:
        """At most *limit*, newest first, and the id to go on before, or None on the last page."""
        query = "SELECT id, body FROM analyses WHERE id < ? ORDER BY id DESC LIMIT ?"

        def read(connection: sqlite3.Connection) -> tuple[list[analysis_pb2.Analysis], int | None]:
            rows = connection.execute(query, (before_id or 1 << 62, limit + 1)).fetchall()
            more = rows[limit - 1][0] if len(rows) > limit else None
            return [analysis_pb2.Analysis.FromString(body) for _, body in rows[:limit]], more

        return await self._database.read(read)

    async def names(self) -> set[str]:
        query = "SELECT name FROM analyses"
        return await self._database.read(lambda connection: {name for (name,) in connection.execute(query)})

    async def next_in_turn(self) -> str | None:
        query = "SELECT name FROM analyses WHERE state = ? ORDER BY turn LIMIT 1"
        row = await self._database.read(lambda connection: connection.execute(query, (QUEUED,)).fetchone())
        return None if row is None else row[0]

    async def running(self) -> list[str]:
        query = "SELECT name FROM analyses WHERE state = ? ORDER BY turn"
        return await self._database.read(
            lambda connection: [name for (name,) in connection.execute(query, (RUNNING,))]
        )

    async def edit(self, name: str, change: Callable[[AnalysisEdit], None]) -> analysis_pb2.Analysis:
        """The analysis after *change*. What *change* raises leaves it as it was and is raised here."""

        def apply(connection: sqlite3.Connection) -> analysis_pb2.Analysis:
            edit = AnalysisEdit(connection, _get(connection, name))
            change(edit)
            edit.save()
            return edit.analysis

        return await self._database.write(apply, durable=True)

    async def given(self, name: str, kind: str, frame: int) -> bytes:
        """What was given for *frame*: a PointFrame, or a PNG. Raises AnalysisNotFound if nothing was."""
        query = "SELECT body FROM given_frames WHERE analysis = ? AND kind = ? AND frame = ?"
        row = await self._database.read(
            lambda connection: connection.execute(query, (name, kind, frame)).fetchone()
        )
        if row is None:
            raise AnalysisNotFound(
                f"'{name}' was changed or deleted meanwhile. Ask for it again.", analysis=name
            )
        body: bytes = row[0]
        return body

    async def remove(self, name: str, folder: Path, ended_jobs: Iterable[job_pb2.JobState.ValueType]) -> None:
        """Forgets *name*, and the media assets whose files lie below *folder*, which is the caller's to delete.

        Raises AnalysisNotFound, or MediaInUse while a job in none of the states *ended_jobs* needs one of those.
        """

        ended = tuple(ended_jobs)

        def change(connection: sqlite3.Connection) -> None:
            _get(connection, name)
            for asset in _assets_below(connection, folder):
                refuse_needed(connection, asset, ended)
                connection.execute("DELETE FROM media WHERE name = ?", (asset.name,))
            connection.execute("DELETE FROM analyses WHERE name = ?", (name,))

        await self._database.write(change, durable=True)

    async def drop_unused(self, folders: Sequence[Path]) -> list[Path]:
        """Those of *folders* whose files no job ever named; their assets are forgotten, and they are the caller's to
        delete."""

        def change(connection: sqlite3.Connection) -> list[Path]:
            dropped = []
            for folder in folders:
                names = [asset.name for asset in _assets_below(connection, folder)]
                if not any(connection.execute(NAMED, {"needle": name.encode()}).fetchone() for name in names):
                    connection.executemany("DELETE FROM media WHERE name = ?", [(name,) for name in names])
                    dropped.append(folder)
            return dropped

        return await self._database.write(change) if folders else []


def _assets_below(connection: sqlite3.Connection, folder: Path) -> list[media_pb2.MediaAsset]:
    below = f"{folder}{os.sep}"
    rows = connection.execute("SELECT body FROM media WHERE substr(path, 1, ?) = ?", (len(below), below))
    return [media_pb2.MediaAsset.FromString(body) for (body,) in rows.fetchall()]


def _get(connection: sqlite3.Connection, name: str) -> analysis_pb2.Analysis:
    row = connection.execute("SELECT body FROM analyses WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise AnalysisNotFound(
            f"There is no analysis '{name}'. CreateAnalysis makes one of a clip.", analysis=name
        )
    return analysis_pb2.Analysis.FromString(row[0])


def _check_room(connection: sqlite3.Connection, max_queued: int) -> None:
    (waiting,) = connection.execute("SELECT COUNT(*) FROM analyses WHERE state = ?", (QUEUED,)).fetchone()
    if waiting >= max_queued:
        raise QueueFull(
            f"{waiting} analyses wait already, and the limit is {max_queued}. Wait for some to end.",
            waiting=waiting,
            limit=max_queued,
        )
