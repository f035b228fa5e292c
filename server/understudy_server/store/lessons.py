"""What finished jobs have taken on this machine, for estimates of the next ones."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass, fields

from understudy_api.v1 import job_pb2

from .database import Database

QUEUED = job_pb2.JOB_STATE_QUEUED
ACTIVE = (job_pb2.JOB_STATE_PREPARING, job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_PAUSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much a job has to do, in units whose cost hardly depends on the size."""

    denoise_flops: float
    make_px: float  # frames times pixels inside the model, overlap and padding included
    finish_px: float  # frames times pixels of the result
    find_frames: float = 0  # in which the person is to be found


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one job took, in seconds, and for how much work."""

    start_s: float  # opening the media, looking at the character
    denoise_s: float
    make_s: float  # reading, encoding, decoding
    finish_s: float  # compositing, storing, joining, delivering
    denoise_flops: float
    make_px: float
    finish_px: float
    find_s: float = 0  # finding the person
    find_frames: float = 0


COLUMNS = ", ".join(field.name for field in fields(Lesson))


class LessonStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, job: str, model: str, device: str, lesson: Lesson) -> None:
        values = (job, model, device, *astuple(lesson))
        places = ", ".join("?" * len(values))
        query = f"INSERT OR REPLACE INTO lessons (job, model, device, {COLUMNS}) VALUES ({places})"
        await self._database.write(lambda connection: connection.execute(query, values))

    async def newest(self, model: str, device: str, limit: int) -> list[Lesson]:
        query = f"SELECT {COLUMNS} FROM lessons WHERE model = ? AND device = ? ORDER BY id DESC LIMIT ?"

        def read(connection: sqlite3.Connection) -> list[Lesson]:
            names = [field.name for field in fields(Lesson)]
            rows = connection.execute(query, (model, device, limit))
            return [Lesson(**dict(zip(names, row, strict=True))) for row in rows]

        return await self._database.read(read)

    async def untaught(self, limit: int) -> list[str]:
        """Jobs that have succeeded and are not remembered here; the newest *limit*, oldest first."""
        query = (
            "SELECT name FROM jobs WHERE state = ? AND name NOT IN (SELECT job FROM lessons) "
            "ORDER BY id DESC LIMIT ?"
        )
        values = (job_pb2.JOB_STATE_SUCCEEDED, limit)
        return await self._database.read(
            lambda connection: [name for (name,) in connection.execute(query, values)][::-1]
        )

    async def jobs_ahead(self, priority: int = 0) -> int:
        """Jobs that run, or wait and would come before a new one of *priority*."""
        query = (
            f"SELECT COUNT(*) FROM jobs WHERE state IN ({', '.join('?' * len(ACTIVE))}) "
            "OR (state = ? AND priority >= ?)"
        )
        values = (*ACTIVE, QUEUED, priority)
        count: int = await self._database.read(lambda c: c.execute(query, values).fetchone()[0])
        return count
