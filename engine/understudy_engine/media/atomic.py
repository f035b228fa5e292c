"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from ..errors import DiskFull

# EFBIG: over a file system's or a process's limit for one file (FAT32: 4 GB), which is as final for us.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write (and seek in) that takes the name *path* only when the block ends well.

    Raises:
        DiskFull: nothing is left behind.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.partial")
    try:
        with _disk_full_told(path), partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that takes the name *path* (in place of an older one) only when the block ends well.

    Raises:
        DiskFull: nothing is left behind.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.partial")
    partial.mkdir()
    try:
        with _disk_full_told(path):
            yield partial
        for file in partial.iterdir():
            _sync(file)
        if path.exists():
            older = partial.with_suffix(".older")
            path.replace(older)
            partial.replace(path)
            shutil.rmtree(older)
        else:
            partial.replace(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A path of the same name in a hidden folder beside *path*.

    What is made there, a file or a folder, takes *path*'s place (an older one's too) only when the block ends
    well: there is time to look at it first.

    Raises:
        DiskFull: nothing is left behind.
    """
    aside = path.with_name(f".{path.name}.{uuid4().hex[:8]}.partial")
    aside.mkdir()
    made = aside / path.name
    try:
        with _disk_full_told(path):
            yield made
        if path.is_dir():
            path.replace(aside / "older")
        made.replace(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _disk_full_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        free = shutil.disk_usage(path.parent).free
        raise DiskFull(
            f"The disk is full: {path.name} could not be written ({free / 1e6:.0f} MB are free). "
            "Make room, then start again; what was finished is kept.",
            path=str(path),
            free_bytes=free,
        ) from error


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
