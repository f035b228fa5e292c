"""Shots with their takes, by pages, and the chosen one of each."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from understudy_api.v1 import job_pb2, take_pb2

from .database import Database
from .shots import check_shot, check_succeeded, read_job

TAKES_A_PAGE = 500  # about half a megabyte


class Place(NamedTuple):
    """Where a page of takes begins: behind take *number* of the shot with *shot_id*, the newest shot first."""

    shot_id: int
    number: int


class TakeStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def shots(
        self, limit: int, after: Place | None, shot: str
    ) -> tuple[list[take_pb2.Shot], Place | None]:
        """At most *limit* shots with takes, newest first, and where to go on; only *shot* if it is named.

        A page holds at most TAKES_A_PAGE takes; a shot with more of them goes on on the next page.

        Raises:
            ShotNotFound: there is no such shot.
        """

        def read(connection: sqlite3.Connection) -> tuple[list[take_pb2.Shot], Place | None]:
            if shot:
                check_shot(connection, shot)
            return _page(_takes(connection, after, shot), limit)

        return await self._database.read(read)

    async def promote(self, name: str) -> job_pb2.Job:
        """*name* is its shot's chosen take from now on, and no other.

        Raises:
            JobNotFound: there is no such job. TakeUnfinished: it has not succeeded.
        """

        def change(connection: sqlite3.Connection) -> job_pb2.Job:
            job = read_job(connection, name)
            check_succeeded(job, "promoted")
            before = connection.execute("SELECT job FROM takes WHERE shot = ? AND promoted", (job.shot,))
            for (other,) in before.fetchall():
                _put_promoted(connection, read_job(connection, other), promoted=False)
            return _put_promoted(connection, job, promoted=True)

        return await self._database.write(change, durable=True)


def _put_promoted(connection: sqlite3.Connection, job: job_pb2.Job, *, promoted: bool) -> job_pb2.Job:
    job.promoted = promoted
    connection.execute("UPDATE takes SET promoted = ? WHERE job = ?", (promoted, job.name))
    connection.execute("UPDATE jobs SET body = ? WHERE name = ?", (job.SerializeToString(), job.name))
    return job


# ---- Pages of shots --------------------------------------------------------------------------------------


class _Row(NamedTuple):
    place: Place
    shot: take_pb2.Shot  # without takes
    job: job_pb2.Job


def _takes(connection: sqlite3.Connection, after: Place | None, shot: str) -> list[_Row]:
    """The takes behind *after*, at most one more than fit a page."""
    start = after or Place(1 << 62, 0)
    query = (
        "SELECT shots.id, takes.number, shots.name, shots.clip, shots.first_frame, shots.end_frame, jobs.body "
        "FROM shots JOIN takes ON takes.shot = shots.name JOIN jobs ON jobs.name = takes.job "
        f"WHERE (shots.id < ? OR (shots.id = ? AND takes.number > ?)) {'AND shots.name = ?' if shot else ''} "
        "ORDER BY shots.id DESC, takes.number LIMIT ?"
    )
    named = (shot,) if shot else ()
    rows = connection.execute(query, (start.shot_id, *start, *named, TAKES_A_PAGE + 1))
    return [
        _Row(Place(shot_id, number), _shot(name, clip, first, end), job_pb2.Job.FromString(body))
        for shot_id, number, name, clip, first, end, body in rows
    ]


def _shot(name: str, clip: str, first: int, end: int) -> take_pb2.Shot:
    shot = take_pb2.Shot(name=name, clip=clip)
    shot.range.start, shot.range.end = first, end
    return shot


def _page(rows: list[_Row], limit: int) -> tuple[list[take_pb2.Shot], Place | None]:
    shots: list[take_pb2.Shot] = []
    last: Place | None = None
    for row in rows[:TAKES_A_PAGE]:
        if last is None or row.place.shot_id != last.shot_id:
            if len(shots) == limit:
                return shots, last
            shots.append(row.shot)
        shots[-1].takes.append(row.job)
        last = row.place
    return shots, last if len(rows) > TAKES_A_PAGE else None
