"""Jobs with their events and segments."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from understudy_api.v1 import job_pb2, result_pb2

from ..errors import JobNotFound, QueueFull, RequestIdReused
from .database import Database
from .edits import JobEdit, now, put_labels, read_segments
from .shots import add_take, read_work, resolved

State: TypeAlias = job_pb2.JobState.ValueType


class JobStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, job: job_pb2.Job, request_id: str, digest: bytes, max_queued: int) -> job_pb2.Job:
        """Writes *job* down as QUEUED, or returns the one that *request_id* made before.

        Raises:
            RequestIdReused: the id came with another *digest* before.
            QueueFull: *max_queued* jobs wait already.
        """

        def change(connection: sqlite3.Connection) -> job_pb2.Job:
            known = _request(connection, request_id)
            if known:
                return _same(connection, known, digest)
            _check_room(connection, max_queued)
            return _insert(connection, job, request_id, digest)

        return await self._database.write(change, durable=True)

    async def made_by(self, request_id: str, digest: bytes) -> job_pb2.Job | None:
        """The job that *request_id* made before; raises RequestIdReused if it came with another *digest*."""

        def read(connection: sqlite3.Connection) -> job_pb2.Job | None:
            known = _request(connection, request_id)
            return _same(connection, known, digest) if known else None

        return await self._database.read(read)

    async def resolved(self, spec: job_pb2.JobSpec) -> job_pb2.JobSpec:
        """What *spec* makes, without retakes: Replace or Animate with every change applied.

        Raises:
            JobNotFound, TakeUnfinished, FramesGone, InvalidField: the take to start from cannot be used.
        """
        if not spec.HasField("retake"):
            return spec
        return await self._database.read(lambda connection: resolved(connection, spec))

    async def work(self, name: str) -> job_pb2.JobSpec:
        """What job *name* makes, as `resolved` told when it was created."""
        return await self._database.read(lambda connection: read_work(connection, name))

    async def edit(
        self, name: str, change: Callable[[JobEdit], None], *, durable: bool = False
    ) -> job_pb2.Job:
        """The job after *change*. What *change* raises leaves the job as it was and is raised here."""

        def apply(connection: sqlite3.Connection) -> job_pb2.Job:
            row = connection.execute("SELECT body, crashes FROM jobs WHERE name = ?", (name,)).fetchone()
            edit = JobEdit(connection, _parse(name, row), row[1])
            change(edit)
            edit.save()
            return edit.job

        return await self._database.write(apply, durable=durable)

    async def get(self, name: str) -> job_pb2.Job:
        return await self._database.read(lambda connection: _get(connection, name))

    async def page(
        self,
        limit: int,
        before_id: int | None,
        states: Sequence[State],
        labels: Mapping[str, str] | None = None,
        shot: str = "",
    ) -> tuple[list[job_pb2.Job], int | None]:
        """At most *limit* jobs, newest first, and the id to go on before, or None on the last page."""
        where, values = _filter(before_id, states, labels or {}, shot)
        query = f"SELECT id, body FROM jobs WHERE {where} ORDER BY id DESC LIMIT ?"

        def read(connection: sqlite3.Connection) -> tuple[list[job_pb2.Job], int | None]:
            rows = connection.execute(query, (*values, limit + 1)).fetchall()
            more = rows[limit - 1][0] if len(rows) > limit else None
            return [job_pb2.Job.FromString(body) for _, body in rows[:limit]], more

        return await self._database.read(read)

    async def find(self, names: Sequence[str]) -> list[job_pb2.Job]:
        """Those of *names* that there are, at most a few hundred, in any order."""
        query = f"SELECT body FROM jobs WHERE name IN ({', '.join('?' * len(names))})"
        return await self._database.read(
            lambda connection: [job_pb2.Job.FromString(body) for (body,) in connection.execute(query, names)]
        )

    async def delete(self, name: str, check: Callable[[job_pb2.Job], None]) -> None:
        """Forgets *name* and all that belongs to it, unless *check* raises."""

        def change(connection: sqlite3.Connection) -> None:
            check(_get(connection, name))
            for table in ("events", "segments", "requests"):
                connection.execute(f"DELETE FROM {table} WHERE job = ?", (name,))
            connection.execute("DELETE FROM jobs WHERE name = ?", (name,))

        await self._database.write(change, durable=True)

    async def in_states(self, *states: State) -> list[str]:
        """Names of the jobs in *states*, oldest first."""
        query = f"SELECT name FROM jobs WHERE state IN ({', '.join('?' * len(states))}) ORDER BY id"
        return await self._database.read(
            lambda connection: [name for (name,) in connection.execute(query, states)]
        )

    async def next_in_turn(self) -> str | None:
        """The queued job of the highest priority, the oldest of these."""
        query = "SELECT name FROM jobs WHERE state = ? ORDER BY priority DESC, id LIMIT 1"
        queued = job_pb2.JOB_STATE_QUEUED
        row = await self._database.read(lambda connection: connection.execute(query, (queued,)).fetchone())
        return row[0] if row else None

    async def paused_for(self, reason: str) -> list[str]:
        """Names of the jobs that are paused, or about to be, for *reason*, oldest first."""
        query = "SELECT name FROM jobs WHERE pause_reason = ? AND pause_reason != '' ORDER BY id"
        return await self._database.read(
            lambda connection: [name for (name,) in connection.execute(query, (reason,))]
        )

    async def to_clean(self, now_s: float) -> list[job_pb2.Job]:
        """Jobs of which something is to be thrown away by *now_s*, seconds since 1970; a hundred at most."""
        query = "SELECT body FROM jobs WHERE clean_at <= ? ORDER BY clean_at LIMIT 100"
        return await self._database.read(
            lambda connection: [
                job_pb2.Job.FromString(body) for (body,) in connection.execute(query, (now_s,))
            ]
        )

    async def cleaned(self, name: str) -> None:
        """Nothing more of *name* is to be thrown away; its segments have no layers any more."""

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE jobs SET clean_at = NULL WHERE name = ?", (name,))
            edit = JobEdit(connection, _get(connection, name), crashes=0)
            for segment in edit.segments():
                segment.ClearField("layers")
                edit.put_segment(segment)

        await self._database.write(change)

    async def names(self) -> set[str]:
        query = "SELECT name FROM jobs"
        return await self._database.read(lambda connection: {name for (name,) in connection.execute(query)})

    async def count(self, state: State) -> int:
        return await self._database.read(lambda connection: _count(connection, state))

    async def events(self, name: str, after: int, limit: int) -> list[job_pb2.JobEvent]:
        """The events of *name* with a sequence above *after*, in order, at most *limit* of them."""
        query = "SELECT body FROM events WHERE job = ? AND sequence > ? ORDER BY sequence LIMIT ?"

        def read(connection: sqlite3.Connection) -> list[job_pb2.JobEvent]:
            return [
                job_pb2.JobEvent.FromString(body)
                for (body,) in connection.execute(query, (name, after, limit))
            ]

        return await self._database.read(read)

    async def segments(self, name: str) -> list[result_pb2.Segment]:
        """In order; empty until the job is planned."""

        def read(connection: sqlite3.Connection) -> list[result_pb2.Segment]:
            _get(connection, name)
            return read_segments(connection, name)

        return await self._database.read(read)


def _parse(name: str, row: Sequence[bytes] | None) -> job_pb2.Job:
    if row is None:
        raise JobNotFound(f"There is no job '{name}'. `understudy jobs` lists those there are.", job=name)
    return job_pb2.Job.FromString(row[0])


def _get(connection: sqlite3.Connection, name: str) -> job_pb2.Job:
    return _parse(name, connection.execute("SELECT body FROM jobs WHERE name = ?", (name,)).fetchone())


def _count(connection: sqlite3.Connection, state: State) -> int:
    count: int = connection.execute("SELECT COUNT(*) FROM jobs WHERE state = ?", (state,)).fetchone()[0]
    return count


def _filter(
    before_id: int | None, states: Sequence[State], labels: Mapping[str, str], shot: str
) -> tuple[str, list[int | str]]:
    """The condition of a page, and its values."""
    where, values = ["1"], list[int | str]()
    if before_id is not None:
        where.append("id < ?")
        values.append(before_id)
    if states:
        where.append(f"state IN ({', '.join('?' * len(states))})")
        values += states
    if shot:
        where.append("shot = ?")
        values.append(shot)
    for key, value in labels.items():
        where.append("name IN (SELECT job FROM labels WHERE key = ? AND value = ?)")
        values += (key, value)
    return " AND ".join(where), values


def _request(connection: sqlite3.Connection, request_id: str) -> tuple[bytes, str] | None:
    query = "SELECT digest, job FROM requests WHERE request_id = ?"
    found: tuple[bytes, str] | None = connection.execute(query, (request_id,)).fetchone()
    return found


def _same(connection: sqlite3.Connection, known: tuple[bytes, str], digest: bytes) -> job_pb2.Job:
    if known[0] != digest:
        raise RequestIdReused(
            f"This request_id already made {known[1]} from another request. Make a new id for a new job.",
            job=known[1],
        )
    return _get(connection, known[1])


def _check_room(connection: sqlite3.Connection, max_queued: int) -> None:
    waiting = _count(connection, job_pb2.JOB_STATE_QUEUED)
    if waiting >= max_queued:
        raise QueueFull(
            f"{waiting} jobs wait already, and the queue holds {max_queued}. Cancel some, or try again later.",
            queued=waiting,
            limit=max_queued,
        )


def _insert(connection: sqlite3.Connection, job: job_pb2.Job, request_id: str, digest: bytes) -> job_pb2.Job:
    made = job_pb2.Job()
    made.CopyFrom(job)
    made.state = job_pb2.JOB_STATE_QUEUED
    made.create_time.CopyFrom(now())
    connection.execute("INSERT INTO jobs (name, state, body) VALUES (?, ?, '')", (made.name, made.state))
    add_take(connection, made)
    put_labels(connection, made)
    connection.execute(
        "INSERT INTO requests (request_id, digest, job) VALUES (?, ?, ?)", (request_id, digest, made.name)
    )
    edit = JobEdit(connection, made, crashes=0)
    edit.emit(job_pb2.JobEvent(state_changed=job_pb2.StateChanged(state=made.state)))
    edit.save()
    return made
