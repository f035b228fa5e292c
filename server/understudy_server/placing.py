"""Finished files put in place at once, and told of by size and hash."""

from __future__ import annotations

import os
from pathlib import Path

from understudy_api.v1 import job_pb2, types_pb2

from .errors import OutputExists
from .media.identity import digest_of, size_and_time


def place(made: Path, target: Path, *, overwrite: bool) -> None:
    """Gives *made*, a file or folder on the same disk, the name *target*.

    Raises OutputExists if something is there and may not be replaced.
    """
    if not overwrite:
        _place_beside_others(made, target)
    elif target.is_dir():
        target.rename(made.with_name("older"))
        made.rename(target)
    else:
        made.replace(target)


def _place_beside_others(made: Path, target: Path) -> None:
    """Takes the name *target* only if it is free at that very moment, where the file system can do that."""
    try:
        if made.is_dir():
            made.rename(target)  # refused by the system if there is a folder with files
        else:
            os.link(made, target)
    except OSError:
        if target.exists():
            raise taken(target) from None
        made.rename(target)  # exFAT and some shares know no links


def taken(target: Path) -> OutputExists:
    return OutputExists(
        f"'{target.name}' was put there meanwhile, and was not to be replaced. The result is kept: choose another "
        "name and export it again.",
        path=target.name,
    )


def output_file(
    kind: job_pb2.OutputFile.Kind.ValueType, file: Path, path: types_pb2.RootedPath
) -> job_pb2.OutputFile:
    """*file*, or a folder of files, as a client is told of it; *path* is how clients name it."""
    size, _ = size_and_time(file)
    return job_pb2.OutputFile(kind=kind, path=path, size_bytes=size, sha256=digest_of(file))
