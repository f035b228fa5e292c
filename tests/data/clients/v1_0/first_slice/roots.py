"""Maps paths of this machine onto the server's shared folders, and back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .errors import PathRefused
from .v1 import server_pb2, types_pb2


def rooted(
    path: str | os.PathLike[str], roots: Iterable[server_pb2.SharedRoot], *, writable: bool = False
) -> types_pb2.RootedPath:
    """*path* below the deepest shared folder that holds it, writable if asked for.

    Raises:
        PathRefused: no shared folder holds it.
    """
    offered = [root for root in roots if root.writable or not writable]
    wanted = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - resolve() would follow links
    for candidate in (wanted, wanted.resolve()):
        found = [
            (root, below) for root in offered if (below := _below(candidate, Path(root.path))) is not None
        ]
        if found:
            root, below = max(found, key=lambda pair: len(Path(pair[0].path).parts))
            return types_pb2.RootedPath(root_id=root.id, relative_path=below)
    raise _outside(wanted, offered, writable)


def local_path(path: types_pb2.RootedPath, roots: Iterable[server_pb2.SharedRoot]) -> Path | None:
    """Where *path* is on this machine, or None if the server no longer shares its folder."""
    for root in roots:
        if root.id == path.root_id:
            return Path(root.path) / path.relative_path
    return None


def _below(path: Path, root: Path) -> str | None:
    for folder in (root, root.resolve()):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return None


def _outside(path: Path, offered: list[server_pb2.SharedRoot], writable: bool) -> PathRefused:
    use = "write to" if writable else "read"
    shared = ", ".join(root.path for root in offered) or "none"
    message = (
        f"The server may not {use} {path}: it lies outside the shared folders ({shared}). "
        f"Move it there, or start the server with: understudy serve --root {path.parent}"
    )
    return PathRefused(message, metadata={"path": str(path)})
