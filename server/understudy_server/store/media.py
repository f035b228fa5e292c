"""Media assets: files that were linked, and files that were uploaded."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from understudy_api.v1 import job_pb2, media_pb2, types_pb2
from understudy_engine.errors import MediaNotFound

from ..errors import MediaInUse
from .database import Database

COLUMNS = "path, identity, body, uploaded"

# Names and paths stand in the stored messages letter for letter, whichever field holds them.
NEEDED_BY = """
SELECT name FROM jobs WHERE state NOT IN ({ended}) AND (
    instr(body, :needle) OR EXISTS (SELECT 1 FROM takes WHERE takes.job = jobs.name AND instr(work, :needle))
) LIMIT 1
"""
UNUSED = """
SELECT name, path FROM media WHERE uploaded AND asked_at < ?
AND NOT EXISTS (SELECT 1 FROM jobs WHERE instr(jobs.body, CAST(media.name AS BLOB)))
AND NOT EXISTS (SELECT 1 FROM takes WHERE instr(takes.work, CAST(media.name AS BLOB)))
AND NOT EXISTS (SELECT 1 FROM analyses WHERE instr(analyses.body, CAST(media.name AS BLOB)))
"""


@dataclass(frozen=True, slots=True)
class MediaFile:
    path: Path  # real and absolute
    identity: str  # as it was when the file was linked or had arrived
    asset: media_pb2.MediaAsset
    uploaded: bool = False  # the file is the server's own


class MediaStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, path: Path, kind: int, identity: str) -> media_pb2.MediaAsset | None:
        query = f"SELECT {COLUMNS} FROM media WHERE path = ? AND kind = ? AND identity = ?"
        found = await self._files(query, (str(path), kind, identity))
        return found[0].asset if found else None

    async def find_content(self, content: media_pb2.ContentId) -> list[MediaFile]:
        """Files that held *content* when they were last looked at; the server's own first."""
        query = f"SELECT {COLUMNS} FROM media WHERE sha256 = ? ORDER BY uploaded DESC"
        found = await self._files(query, (content.sha256,))
        return [file for file in found if file.asset.size_bytes == content.size_bytes]

    async def add(self, file: MediaFile, kind: int) -> media_pb2.MediaAsset:
        """Returns the asset that is kept: another call may have linked the same file meanwhile."""
        key = (str(file.path), kind, file.identity)
        asset = file.asset

        def change(connection: sqlite3.Connection) -> media_pb2.MediaAsset:
            connection.execute(
                "INSERT OR IGNORE INTO media (path, kind, identity, name, body, sha256, uploaded, made_at, asked_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *key,
                    asset.name,
                    asset.SerializeToString(),
                    asset.sha256,
                    file.uploaded,
                    asset.create_time.ToNanoseconds(),
                    time.time(),
                ),
            )
            query = "SELECT body FROM media WHERE path = ? AND kind = ? AND identity = ?"
            return media_pb2.MediaAsset.FromString(connection.execute(query, key).fetchone()[0])

        return await self._database.write(change, durable=file.uploaded)

    async def get(self, name: str) -> MediaFile:
        found = await self._files(f"SELECT {COLUMNS} FROM media WHERE name = ?", (name,))
        if not found:
            raise _not_found(name)
        return found[0]

    async def assets(self, names: Sequence[str]) -> dict[str, media_pb2.MediaAsset]:
        """All of *names* in one read. Raises MediaNotFound for the first that is not there."""
        query = f"SELECT {COLUMNS} FROM media WHERE name IN ({', '.join('?' * len(names))})"
        found = {file.asset.name: file.asset for file in await self._files(query, tuple(names))}
        for name in names:
            if name not in found:
                raise _not_found(name)
        return found

    async def page(
        self, limit: int, before: tuple[int, str] | None
    ) -> tuple[list[media_pb2.MediaAsset], tuple[int, str] | None]:
        """At most *limit* assets, newest first, and the place to go on before, or None on the last page."""
        query = "SELECT made_at, name, body FROM media WHERE (made_at, name) < (?, ?) "
        query += "ORDER BY made_at DESC, name DESC LIMIT ?"
        place = before or (1 << 62, "")

        def read(connection: sqlite3.Connection) -> tuple[list[media_pb2.MediaAsset], tuple[int, str] | None]:
            rows = connection.execute(query, (*place, limit + 1)).fetchall()
            more = rows[limit - 1][:2] if len(rows) > limit else None
            return [media_pb2.MediaAsset.FromString(body) for _, _, body in rows[:limit]], more

        return await self._database.read(read)

    async def set_sha256(self, name: str, sha256: str) -> None:
        def change(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT body FROM media WHERE name = ?", (name,)).fetchone()
            if row is not None:
                asset = media_pb2.MediaAsset.FromString(row[0])
                asset.sha256 = sha256
                connection.execute(
                    "UPDATE media SET sha256 = ?, body = ? WHERE name = ?",
                    (sha256, asset.SerializeToString(), name),
                )

        await self._database.write(change)

    async def touch(self, names: Sequence[str]) -> None:
        """A client was told that it need not upload these: they stay for a while, job or no job."""
        values = [(time.time(), name) for name in names]
        if values:
            await self._database.write(
                lambda connection: connection.executemany(
                    "UPDATE media SET asked_at = ? WHERE name = ?", values
                )
            )

    async def remove(self, name: str, ended: Sequence[job_pb2.JobState.ValueType]) -> MediaFile:
        """Forgets *name* and tells what it was; its file is the caller's to delete.

        Raises MediaNotFound, or MediaInUse while a job in none of the states *ended* needs it.
        """

        def change(connection: sqlite3.Connection) -> MediaFile:
            row = connection.execute(f"SELECT {COLUMNS} FROM media WHERE name = ?", (name,)).fetchone()
            if row is None:
                raise _not_found(name)
            file = _file(row)
            refuse_needed(connection, file.asset, ended)
            connection.execute("DELETE FROM media WHERE name = ?", (name,))
            return file

        return await self._database.write(change, durable=True)

    async def remove_unused(self, asked_before_s: float) -> list[Path]:
        """Forgets uploads that no job ever named and no client asked for since; their files, for the caller to delete.

        *asked_before_s* is in seconds since 1970.
        """

        # Looked for by a reader, since that takes a while; the writer then looks at the few again.
        names = await self._database.read(
            lambda connection: [name for name, _ in connection.execute(UNUSED, (asked_before_s,))]
        )

        def change(connection: sqlite3.Connection) -> list[Path]:
            paths = []
            for name in names:
                row = connection.execute(f"{UNUSED} AND name = ?", (asked_before_s, name)).fetchone()
                if row is not None:
                    connection.execute("DELETE FROM media WHERE name = ?", (name,))
                    paths.append(Path(row[1]))
            return paths

        return await self._database.write(change) if names else []

    async def uploaded(self) -> set[Path]:
        """All files that are the server's own."""
        query = "SELECT path FROM media WHERE uploaded"
        return await self._database.read(
            lambda connection: {Path(path) for (path,) in connection.execute(query)}
        )

    async def is_output(self, path: types_pb2.RootedPath) -> bool:
        """Whether *path* is what a job has made, or lies in a folder that is."""
        folders = path.relative_path.split("/")
        places = ["/".join(folders[:count]) for count in range(1, len(folders) + 1)]
        needles = [
            types_pb2.RootedPath(root_id=path.root_id, relative_path=place).SerializeToString()
            for place in places
        ]
        query = "SELECT 1 FROM jobs WHERE instr(body, ?) LIMIT 1"
        return await self._database.read(
            lambda connection: any(connection.execute(query, (needle,)).fetchone() for needle in needles)
        )

    async def _files(self, query: str, values: Sequence[Any]) -> list[MediaFile]:
        return await self._database.read(
            lambda connection: [_file(row) for row in connection.execute(query, values)]
        )


def refuse_needed(
    connection: sqlite3.Connection, asset: media_pb2.MediaAsset, ended: Iterable[job_pb2.JobState.ValueType]
) -> None:
    """Raises MediaInUse while a job in none of the states *ended* needs *asset*."""
    query = NEEDED_BY.format(ended=", ".join(map(str, ended)))
    job = connection.execute(query, {"needle": asset.name.encode()}).fetchone()
    if job is not None:
        raise MediaInUse(
            f"'{asset.display_name}' is needed by {job[0]}, which has not ended. Cancel that job first.",
            media=asset.name,
            job=job[0],
        )


def _file(row: Sequence[Any]) -> MediaFile:
    path, identity, body, uploaded = row
    return MediaFile(Path(path), identity, media_pb2.MediaAsset.FromString(body), bool(uploaded))


def _not_found(name: str) -> MediaNotFound:
    return MediaNotFound(f"There is no media asset '{name}'. Link or upload the file again.", media=name)
