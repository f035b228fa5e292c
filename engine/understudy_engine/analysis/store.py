"""Passes that were found, kept in a folder by the hash of all that they were made of."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import EngineError
from ..media.atomic import atomic_folder
from ..weights.hashes import HASHES, check_hashes, write_hashes
from .clip_hash import is_remembered, remembered_sha256
from .types import Pass

RECIPE = 3  # another number wherever the same inputs begin to give other passes
LIMIT_BYTES = 10 * 10**9
MADE_OF = "made_of.json"
LEFT_BEHIND_S = 24 * 3600


class Key(NamedTuple):
    """A pass by what it is made of."""

    name: Pass
    sha256: str


def key_of(name: Pass, made_of: Mapping[str, Any]) -> Key:
    """*made_of*: all that the pass depends on, as JSON knows it; other passes by their keys' sha256."""
    text = json.dumps({"recipe": RECIPE, "pass": name, **made_of}, sort_keys=True)
    return Key(name, hashlib.sha256(text.encode()).hexdigest())


class PassStore:
    """One entry a key: a folder of files with their hashes, there whole or not at all.

    Several processes may share *folder*. What has not been used for longest goes first once all of it takes more than
    *limit_bytes*.
    """

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._used: set[Path] = set()

    def clip_sha256(self, clip: Path) -> str:
        """Of its content, which is read whole unless it was before and looks as it did."""
        return remembered_sha256(clip, self._folder)

    def knows(self, clip: Path) -> bool:
        """Whether its content's hash is remembered: nothing was found in a clip of which it is not."""
        return is_remembered(clip, self._folder)

    def find(self, key: Key) -> Path | None:
        """The entry's folder; None where there is none whose files are as they were written."""
        entry = self.entry(key)
        if not entry.is_dir():
            return None
        try:
            check_hashes(entry, "It is found again.", required=True)
        except (EngineError, OSError):
            return None
        self._use(entry)
        return entry

    @contextmanager
    def writing(self, key: Key, made_of: Mapping[str, Any]) -> Iterator[Path]:
        """A folder to write the entry's files into; it becomes the entry when the block ends well.

        Raises DiskFull: nothing is left behind.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        entry = self.entry(key)
        with atomic_folder(entry) as folder:
            (folder / MADE_OF).write_text(json.dumps(made_of, indent=1) + "\n", "utf-8")
            yield folder
            write_hashes(folder, [file.name for file in folder.iterdir() if file.name != HASHES])
        self._use(entry)

    def tidy(self) -> None:
        """Deletes entries beyond the limit, but none that this store has handed out; and what was never finished."""
        for left in self._left_behind():
            shutil.rmtree(left, ignore_errors=True)
        sizes = {entry: _bytes(entry) for entry in self._entries()}
        beyond = sum(sizes.values()) - self._limit_bytes
        for entry in sorted(sizes.keys() - self._used, key=_written):
            if beyond <= 0:
                return
            shutil.rmtree(entry, ignore_errors=True)
            beyond -= sizes[entry]

    def entry(self, key: Key) -> Path:
        """Where it is, or would be."""
        return self._folder / f"{key.name}-{key.sha256[:32]}"

    def _entries(self) -> Iterator[Path]:
        names = tuple(f"{name}-" for name in Pass)
        if self._folder.is_dir():
            yield from (path for path in self._folder.iterdir() if path.name.startswith(names))

    def _left_behind(self) -> list[Path]:
        """By processes that were killed as they wrote."""
        names, now = tuple(f".{name}-" for name in Pass), time.time()
        folders = [path for path in self._folder.glob(".*.partial") if path.name.startswith(names)]
        return [path for path in folders if now - _written(path) > LEFT_BEHIND_S]

    def _use(self, entry: Path) -> None:
        self._used.add(entry)
        with suppress(OSError):
            os.utime(entry)


def _bytes(entry: Path) -> int:
    with suppress(OSError):  # another process is just throwing it away
        return sum(file.stat().st_size for file in entry.iterdir())
    return 0


def _written(entry: Path) -> float:
    """When it was written or used last; 0 where it is gone."""
    with suppress(OSError):
        return entry.stat().st_mtime
    return 0.0
