"""Files given back to clients: assets, and what jobs have made."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import BinaryIO

from understudy_api.v1 import media_pb2
from understudy_engine.errors import MediaNotFound

from ..errors import InvalidField, MediaChanged, PathOutsideRoot
from ..settings import RESULTS_ROOT
from ..storage import sha256
from ..store import MediaStore
from .identity import identity_of, is_still
from .links import MediaLinker
from .roots import Roots

REMEMBERED = 256  # files whose hash is known

# A link or a pipe that was put in the file's place is neither followed nor waited for.
_READ_ONLY = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))


class Downloads:
    def __init__(self, roots: Roots, linker: MediaLinker, store: MediaStore, max_chunk_bytes: int) -> None:
        self._roots = roots
        self._linker = linker
        self._store = store
        self._max_chunk_bytes = max_chunk_bytes
        self._hashes: dict[tuple[Path, str], str] = {}

    async def read(
        self, request: media_pb2.DownloadMediaRequest
    ) -> AsyncGenerator[media_pb2.DownloadMediaResponse]:
        """What the file is, then its bytes from the offset on.

        Raises MediaChanged if it changes on the way: what was given is then of no use.
        """
        path = await self._path(request)
        identity = await asyncio.to_thread(identity_of, path)
        async with AsyncExitStack() as stack:
            file = await asyncio.to_thread(_opened, path)
            stack.push_async_callback(asyncio.to_thread, file.close)
            content = await self._content(request, path, identity)
            _check_offset(request.offset, content.size_bytes)
            yield media_pb2.DownloadMediaResponse(content=content)
            file.seek(request.offset)
            while data := await asyncio.to_thread(file.read, self._max_chunk_bytes):
                yield media_pb2.DownloadMediaResponse(data=data)
        if not await asyncio.to_thread(is_still, path, identity):
            raise MediaChanged(f"'{path.name}' changed while it was read. Fetch it again.", file=path.name)

    async def _path(self, request: media_pb2.DownloadMediaRequest) -> Path:
        if request.WhichOneof("source") == "media":
            return await self._linker.unchanged(request.media)
        output = request.output
        path = await asyncio.to_thread(self._roots.existing, output)
        if output.root_id != RESULTS_ROOT and not await self._store.is_output(output):
            raise PathOutsideRoot(
                f"'{output.relative_path}' is not what a job has made. Only media and outputs can be fetched.",
                path=output.relative_path,
            )
        return path

    async def _content(
        self, request: media_pb2.DownloadMediaRequest, path: Path, identity: str
    ) -> media_pb2.ContentId:
        size = (await asyncio.to_thread(path.stat)).st_size
        if request.WhichOneof("source") == "media":
            return media_pb2.ContentId(sha256=await self._linker.content_hash(request.media), size_bytes=size)
        key = (path, identity)
        if key not in self._hashes:
            found = await asyncio.to_thread(sha256, path)
            while len(self._hashes) >= REMEMBERED:
                del self._hashes[next(iter(self._hashes))]
            self._hashes[key] = found
        return media_pb2.ContentId(sha256=self._hashes[key], size_bytes=size)


def _opened(path: Path) -> BinaryIO:
    """Raises InvalidField for folders and for what only looks like a file, MediaNotFound for what cannot be read."""
    try:
        handle = os.open(path, _READ_ONLY)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return os.fdopen(handle, "rb")
        os.close(handle)
    except OSError as error:  # a folder, on Windows
        if not path.is_dir():
            raise MediaNotFound(f"'{path.name}' cannot be read.", file=path.name) from error
    raise InvalidField(
        f"'{path.name}' is not a single file. Fetch the files in it one by one.", field="source"
    )


def _check_offset(offset: int, size: int) -> None:
    if offset > size:
        raise InvalidField(f"offset is {offset}; the file has {size} bytes.", field="offset", size_bytes=size)
