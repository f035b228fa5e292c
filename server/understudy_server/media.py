"""Files under the shared roots: found without a way out, looked into by a process of its own, known again."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from understudy_api.v1 import media_pb2, types_pb2
from understudy_engine.errors import CorruptMedia, MediaNotFound, MediaTooLarge

from .errors import InvalidField, MediaChanged, OutputExists, PathOutsideRoot, StatusError
from .settings import Limits, Root
from .storage import new_media_name
from .store import LinkedFile, MediaStore

PROBES_AT_ONCE = 2
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


class MediaLinker:
    def __init__(self, roots: Roots, store: MediaStore, limits: Limits) -> None:
        self._roots = roots
        self._store = store
        self._limits = limits
        self._room = asyncio.Semaphore(PROBES_AT_ONCE)

    async def link(self, request: media_pb2.LinkMediaRequest) -> media_pb2.MediaAsset:
        """The asset of the file that *request* names: the same one while the file stays unchanged."""
        path = await asyncio.to_thread(self._roots.existing, request.path)
        identity = await asyncio.to_thread(identity_of, path)
        known = await self._store.find(path, request.kind, identity)
        if known is not None:
            return known
        asset = await self._probe(path, request.kind)
        asset.name = new_media_name()
        asset.display_name = path.name
        size_bytes, modified_ns = await asyncio.to_thread(_size_and_time, path)
        asset.size_bytes = size_bytes
        asset.modify_time.FromNanoseconds(modified_ns)
        return await self._store.add(LinkedFile(path, identity, asset), request.kind)

    async def unchanged(self, name: str) -> Path:
        """The file of asset *name*; raises MediaChanged if it is no longer the one that was linked."""
        linked = await self._store.get(name)
        try:
            identity = await asyncio.to_thread(identity_of, linked.path)
        except MediaNotFound:
            identity = ""
        if identity != linked.identity:
            what = "has changed since it was linked" if identity else "is gone"
            raise MediaChanged(
                f"'{linked.asset.display_name}' {what}. Put the file back as it was, or start a new job with it.",
                media=name,
                file=linked.asset.display_name,
            )
        return linked.path

    async def _probe(self, path: Path, kind: int) -> media_pb2.MediaAsset:
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(
                    "-P",
                    "-m",
                    "understudy_server.probe",
                    str(path),
                    str(kind),
                    self._limits.model_dump_json(),
                ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # the memory limit counts what a BLAS reserves for each of its threads
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
            try:
                async with asyncio.timeout(self._limits.probe_seconds):
                    answer, _ = await process.communicate()
            except TimeoutError:
                raise MediaTooLarge(
                    f"'{path.name}' could not be read through in {self._limits.probe_seconds} s. "
                    "Cut it shorter, or convert it to another format.",
                    file=path.name,
                    seconds=self._limits.probe_seconds,
                ) from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        return _told(process.returncode, answer, path)


def _told(returncode: int | None, answer: bytes, path: Path) -> media_pb2.MediaAsset:
    if returncode == 0:
        return media_pb2.MediaAsset.FromString(answer)
    if returncode == 1 and answer:
        raise StatusError(types_pb2.Status.FromString(answer))
    raise CorruptMedia(
        f"'{path.name}' could not be opened: reading it needed too much memory or time, or broke the reader. "
        "Convert it with another program and try again.",
        file=path.name,
    )


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


def _size_and_time(path: Path) -> tuple[int, int]:
    """Bytes, and when the newest part changed, nanoseconds since 1970."""
    parts = [entry.stat() for entry in os.scandir(path)] if path.is_dir() else [path.stat()]
    return sum(part.st_size for part in parts), max((part.st_mtime_ns for part in parts), default=0)
