"""Whether a file is still the one it was, and what it holds."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from understudy_engine.errors import MediaNotFound

from ..errors import InvalidField
from ..storage import sha256


def identity_of(path: Path) -> str:
    """Changes whenever the file, or a file in the folder, changes. Raises MediaNotFound."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"
        if stat.S_ISDIR(status.st_mode):
            parts = [entry.stat() for entry in os.scandir(path)]
            newest = max((part.st_mtime_ns for part in parts), default=0)
            return f"{len(parts)}:{sum(part.st_size for part in parts)}:{newest}:{status.st_ino}"
    except OSError:
        raise MediaNotFound(f"'{path.name}' is gone.", file=path.name) from None
    raise InvalidField(f"'{path.name}' is neither a file nor a folder.", field="path")


def is_still(path: Path, identity: str) -> bool:
    try:
        return identity_of(path) == identity
    except (MediaNotFound, InvalidField):
        return False


def size_and_time(path: Path) -> tuple[int, int]:
    """Bytes, and when the newest part changed, nanoseconds since 1970."""
    parts = [entry.stat() for entry in os.scandir(path)] if path.is_dir() else [path.stat()]
    return sum(part.st_size for part in parts), max((part.st_mtime_ns for part in parts), default=0)


def digest_of(path: Path) -> str:
    """A file's sha256; a folder's is the sha256 over a line "sha256  name" for each of its files, by name."""
    if not path.is_dir():
        return sha256(path)
    files = sorted(file for file in path.iterdir() if file.is_file())
    lines = "".join(f"{sha256(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()
