"""Files that were linked."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from understudy_api.v1 import media_pb2
from understudy_engine.errors import MediaNotFound

from .database import Database


@dataclass(frozen=True, slots=True)
class LinkedFile:
    path: Path  # real and absolute
    identity: str  # as it was when the file was linked
    asset: media_pb2.MediaAsset


class MediaStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, path: Path, kind: int, identity: str) -> media_pb2.MediaAsset | None:
        query = "SELECT body FROM media WHERE path = ? AND kind = ? AND identity = ?"
        row = await self._database.read(
            lambda connection: connection.execute(query, (str(path), kind, identity)).fetchone()
        )
        return media_pb2.MediaAsset.FromString(row[0]) if row else None

    async def add(self, file: LinkedFile, kind: int) -> media_pb2.MediaAsset:
        """Returns the asset that is kept: another call may have linked the same file meanwhile."""

        def change(connection: sqlite3.Connection) -> media_pb2.MediaAsset:
            key = (str(file.path), kind, file.identity)
            connection.execute(
                "INSERT OR IGNORE INTO media (name, path, kind, identity, body) VALUES (?, ?, ?, ?, ?)",
                (file.asset.name, *key, file.asset.SerializeToString()),
            )
            query = "SELECT body FROM media WHERE path = ? AND kind = ? AND identity = ?"
            return media_pb2.MediaAsset.FromString(connection.execute(query, key).fetchone()[0])

        return await self._database.write(change)

    async def get(self, name: str) -> LinkedFile:
        query = "SELECT path, identity, body FROM media WHERE name = ?"
        row = await self._database.read(lambda connection: connection.execute(query, (name,)).fetchone())
        if row is None:
            raise MediaNotFound(f"There is no media asset '{name}'. Link the file again.", media=name)
        return LinkedFile(Path(row[0]), row[1], media_pb2.MediaAsset.FromString(row[2]))
