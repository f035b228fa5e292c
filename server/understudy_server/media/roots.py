"""The folders that clients may name files in, and no way out of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from understudy_api.v1 import types_pb2
from understudy_engine.errors import MediaNotFound

from ..errors import OutputExists, PathOutsideRoot
from ..settings import Root

DEVICE_NAMES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


class Roots:
    """The folders that clients may name files in."""

    def __init__(self, roots: Mapping[str, Root]) -> None:
        self._roots = roots

    def existing(self, rooted: types_pb2.RootedPath) -> Path:
        """The real path of a file or folder that is there.

        Raises:
            PathOutsideRoot: it leads out of its root, by name or by a link. MediaNotFound: nothing is there.
        """
        root = self._root(rooted.root_id)
        try:
            real = (root.path / _relative(rooted.relative_path)).resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: links in a circle
            raise MediaNotFound(
                f"There is no file '{rooted.relative_path}' under the root '{rooted.root_id}'.",
                root=rooted.root_id,
                path=rooted.relative_path,
            ) from None
        return _inside(real, root, rooted)

    def writable(self, rooted: types_pb2.RootedPath, *, overwrite: bool) -> Path:
        """The path to write a result to; its folder is there.

        Raises:
            PathOutsideRoot: it leads out of its root, or the root is read-only. MediaNotFound: no such folder.
            OutputExists: something is there already, and *overwrite* is False.
        """
        root = self._root(rooted.root_id)
        if not root.writable:
            raise PathOutsideRoot(
                f"Results cannot be written under the root '{rooted.root_id}': it is read-only. "
                f"Writable roots: {self._names(writable=True)}.",
                root=rooted.root_id,
            )
        relative = _relative(rooted.relative_path)
        folder = self.existing(
            types_pb2.RootedPath(root_id=rooted.root_id, relative_path=str(relative.parent))
        )
        target = folder / relative.name
        if target.is_symlink() or (target.exists() and not overwrite):
            raise OutputExists(
                f"'{relative.name}' is there already. Choose another name, or allow it to be replaced.",
                path=rooted.relative_path,
            )
        return target

    def _root(self, root_id: str) -> Root:
        try:
            return self._roots[root_id]
        except KeyError:
            raise PathOutsideRoot(
                f"There is no shared root '{root_id[:32]}'. The server shares: {self._names()}. "
                "Start it with a root that holds the file.",
                root=root_id[:32],
            ) from None

    def _names(self, *, writable: bool = False) -> str:
        return (
            ", ".join(name for name, root in self._roots.items() if root.writable or not writable) or "none"
        )


def _relative(text: str) -> Path:
    """*text* as a relative path without tricks; raises PathOutsideRoot."""
    path = PurePosixPath(text)
    doubtful = (
        path.is_absolute()
        or ".." in path.parts
        or any(character in text for character in "\0\\")
        or (os.name == "nt" and any(_is_device(part) for part in path.parts))
    )
    if doubtful:
        raise PathOutsideRoot(
            "A path must lie below its root, with forward slashes, no '..' and no drive.", path=text[:200]
        )
    return Path(path)


def _is_device(part: str) -> bool:
    """Whether Windows takes *part* for a device, a drive or another stream of a file."""
    return ":" in part or part.split(".")[0].rstrip(" ").lower() in DEVICE_NAMES


def _inside(real: Path, root: Root, rooted: types_pb2.RootedPath) -> Path:
    if not real.is_relative_to(root.path):
        raise PathOutsideRoot(
            f"'{rooted.relative_path}' leads out of the root '{rooted.root_id}' by a link. "
            "Share the folder that really holds the file.",
            root=rooted.root_id,
        )
    return real
