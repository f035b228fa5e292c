"""Files that clients send: in ordered chunks, gone on with after a break, each content stored once.

A part carries its content's name, so a break loses nothing, whoever goes on. It becomes an asset when all of it has
arrived, is what was announced, and was looked into.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from understudy_api.v1 import media_pb2
from understudy_engine.errors import MediaError, MediaTooLarge, UnsupportedMedia
from understudy_engine.media.second_name import second_name

from ..errors import HashMismatch, InvalidField, StatusError, UploadIncomplete, UploadUnderWay
from ..settings import Limits
from ..storage import DataFolder, new_media_name, sha256
from ..store import MediaFile, MediaStore
from ..store.edits import now
from ..validate import UploadHeaderFields, check
from ..words import KIND_WORDS
from .identity import identity_of, is_still
from .parts import Part, disk_full, held_bytes
from .prober import Prober

T = TypeVar("T")
Requests = AsyncIterator[media_pb2.UploadMediaRequest]

CHUNK_PATIENCE_S = 60.0
PARTS_KEPT_S = 24 * 3600.0
UNUSED_KEPT_S = 14 * 24 * 3600.0
STRAYS_KEPT_S = 3600.0  # files that a killed server left between their arrival and their entry

KNOWN = media_pb2.ContentState.STATE_KNOWN
MISSING = media_pb2.ContentState.STATE_MISSING
PARTIAL = media_pb2.ContentState.STATE_PARTIAL
UPLOADING = media_pb2.ContentState.STATE_UPLOADING

# Pictures are opened by their suffix; which one they get is for their first bytes to say.
_PICTURES = (
    (b"\x89PNG\r\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
    (b"\x76\x2f\x31\x01", ".exr"),
    (b"SDPX", ".dpx"),
    (b"XPDS", ".dpx"),
)


@dataclass(frozen=True, slots=True)
class Cleaned:
    parts: int
    uploads: int


class Uploads:
    def __init__(self, data: DataFolder, store: MediaStore, prober: Prober, limits: Limits) -> None:
        self._data = data
        self._store = store
        self._prober = prober
        self._limits = limits
        self._receiving: set[str] = set()  # names of parts

    # ---- What is there -----------------------------------------------------------------------------------

    async def states(self, contents: Sequence[media_pb2.ContentId]) -> list[media_pb2.ContentState]:
        """In the order asked. What is KNOWN will stay for 14 days at least."""
        states = [await self._state(content) for content in contents]
        await self._store.touch([state.media for state in states if state.media])
        return states

    async def _state(self, content: media_pb2.ContentId) -> media_pb2.ContentState:
        known = await self._known(content)
        if known is not None:
            return media_pb2.ContentState(
                content=content, state=KNOWN, offset=content.size_bytes, media=known.name
            )
        held = held_bytes(self._part(content))
        state = UPLOADING if _key(content) in self._receiving else PARTIAL if held else MISSING
        return media_pb2.ContentState(content=content, state=state, offset=held)

    async def _known(self, content: media_pb2.ContentId) -> media_pb2.MediaAsset | None:
        for file in await self._store.find_content(content):
            if await asyncio.to_thread(is_still, file.path, file.identity):
                return file.asset
        return None

    def _part(self, content: media_pb2.ContentId) -> Path:
        return self._data.uploads / _key(content)

    # ---- Receiving ---------------------------------------------------------------------------------------

    async def receive(self, requests: Requests) -> media_pb2.MediaAsset:
        """The asset of the file that *requests* bring. Answers at once if the content is known already.

        Raises:
            InvalidField, MediaTooLarge, DiskFull: refused before anything is written.
            UploadUnderWay: somebody else is sending the same content.
            UploadIncomplete, DiskFull, HashMismatch (of a chunk): what arrived is kept.
            HashMismatch (of the file): it is not what was announced; nothing is kept.
            StatusError, CorruptMedia, UnsupportedMedia: it is all there, but no media of the kind; nothing is kept.
        """
        header = await _header(requests)
        key = _key(header.content)
        if key in self._receiving:
            raise UploadUnderWay(
                f"'{_shown(header)}' is being uploaded already. Wait for that upload, or try again in a moment.",
                sha256=header.content.sha256,
            )
        self._receiving.add(key)
        part = Part(self._data.uploads / key)
        # One thread, so that writes stay in order, even those of a call that has ended.
        thread = ThreadPoolExecutor(1, thread_name_prefix="upload")
        try:
            return await self._receive(header, requests, part, thread)
        finally:
            closing = thread.submit(part.close)
            closing.add_done_callback(self._release(key))
            thread.shutdown(wait=False)
            with contextlib.suppress(OSError):  # the chunks' own errors have told
                await asyncio.wrap_future(closing)

    def _release(self, key: str) -> Callable[[Future[None]], None]:
        loop = asyncio.get_running_loop()

        def release(_: Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(self._receiving.discard, key)

        return release

    async def _receive(
        self, header: media_pb2.UploadHeader, requests: Requests, part: Part, thread: ThreadPoolExecutor
    ) -> media_pb2.MediaAsset:
        known = await self._known(header.content)
        if known is not None:
            await self._store.touch([known.name])
            return _of_kind(known, header)
        self._check_room(header)
        await _in(thread, part.begin, header.offset)
        await self._write_chunks(header, requests, part, thread)
        await _in(thread, part.close)
        found = await _in(thread, sha256, part.path)
        if found != header.content.sha256:
            part.path.unlink()
            raise HashMismatch(
                f"'{_shown(header)}' arrived with another content than was announced, so it was thrown away. "
                "Perhaps the file changed while it was sent: upload it again.",
                sha256=found,
            )
        return await self._keep(header, part.path)

    def _check_room(self, header: media_pb2.UploadHeader) -> None:
        size, limit = header.content.size_bytes, self._limits.max_upload_bytes
        if size > limit:
            raise MediaTooLarge(
                f"'{_shown(header)}' has {size} bytes; uploads may have {limit}. Cut it shorter, or encode it smaller.",
                bytes=size,
                limit=limit,
            )
        missing = size - held_bytes(self._part(header.content))
        if missing + self._limits.keep_free_bytes > shutil.disk_usage(self._data.uploads).free:
            raise disk_full(self._data.uploads, missing)

    async def _write_chunks(
        self, header: media_pb2.UploadHeader, requests: Requests, part: Part, thread: ThreadPoolExecutor
    ) -> None:
        arrived, size = header.offset, header.content.size_bytes
        while arrived < size:
            chunk = await _next_chunk(requests, arrived, size)
            self._check_chunk(chunk, arrived, size)
            await _in(thread, part.write, chunk.data)
            arrived += len(chunk.data)

    def _check_chunk(self, chunk: media_pb2.UploadChunk, arrived: int, size: int) -> None:
        length, largest = len(chunk.data), self._limits.max_chunk_bytes
        if chunk.offset != arrived:
            raise InvalidField(
                f"chunk.offset is {chunk.offset}; it must be {arrived}, for chunks come in order without gaps.",
                field="chunk.offset",
                offset=arrived,
            )
        if not 0 < length <= min(largest, size - arrived):
            raise InvalidField(
                f"chunk.data has {length} bytes; it must have 1 to {largest}, and {size - arrived} are missing.",
                field="chunk.data",
            )
        if zlib.crc32(chunk.data) != chunk.crc32:
            raise HashMismatch(
                f"The chunk at byte {arrived} was damaged on its way. What came before it is kept: go on from there.",
                offset=arrived,
            )

    async def _keep(self, header: media_pb2.UploadHeader, part: Path) -> media_pb2.MediaAsset:
        """Looks into the whole file and makes it an asset. The part stays until that is written down."""
        name = new_media_name()
        path = self._data.path / f"{name}{_suffix(part)}"
        await asyncio.to_thread(second_name, part, path)
        try:
            asset = await self._prober.look_into(path, header.kind, _shown(header))
        except BaseException as error:
            path.unlink()
            if isinstance(error, (MediaError, StatusError)):  # else it may be tried again
                part.unlink()
            raise
        asset.name = name
        asset.display_name = _shown(header)
        asset.size_bytes = header.content.size_bytes
        asset.sha256 = header.content.sha256
        asset.modify_time.CopyFrom(now())
        asset.create_time.CopyFrom(asset.modify_time)
        file = MediaFile(path, identity_of(path), asset, uploaded=True)
        try:
            kept = await self._store.add(file, header.kind)
        except Exception:  # not when the client leaves: what is queued will be written
            path.unlink()
            raise
        part.unlink()
        return kept

    # ---- Cleaning up -------------------------------------------------------------------------------------

    async def clean(self, now_s: float | None = None) -> Cleaned:
        """Deletes parts that nobody went on with for 24 h, and uploads that no job names, 14 days after they were
        last asked for. *now_s* is in seconds since 1970.
        """
        time_s = time.time() if now_s is None else now_s
        # Looked for before the entries are read: what is entered meanwhile is no stray.
        strays = [] if self._receiving else _older(self._data.media, time_s - STRAYS_KEPT_S)
        parts = [
            file
            for file in _older(self._data.uploads, time_s - PARTS_KEPT_S)
            if file.name not in self._receiving
        ]
        unused = await self._store.remove_unused(time_s - UNUSED_KEPT_S)
        ours = await self._store.uploaded()
        strays = [file for file in strays if file not in ours and file not in unused]
        for file in (*unused, *strays, *parts):
            file.unlink(missing_ok=True)
        return Cleaned(parts=len(parts), uploads=len(unused))


def _key(content: media_pb2.ContentId) -> str:
    return f"{content.sha256}-{content.size_bytes}"


def _shown(header: media_pb2.UploadHeader) -> str:
    return header.display_name or "upload"


def _of_kind(asset: media_pb2.MediaAsset, header: media_pb2.UploadHeader) -> media_pb2.MediaAsset:
    if header.kind not in (media_pb2.MEDIA_KIND_UNSPECIFIED, asset.kind):
        raise UnsupportedMedia(
            f"'{_shown(header)}' is {KIND_WORDS[asset.kind]}, not {KIND_WORDS[header.kind]}. Choose another file.",
            file=_shown(header),
            found=media_pb2.MediaKind.Name(asset.kind),
        )
    return asset


def _suffix(file: Path) -> str:
    with file.open("rb") as opened:
        head = opened.read(16)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for sign, suffix in _PICTURES if head.startswith(sign)), "")


def _older(folder: Path, than_s: float) -> list[Path]:
    return [file for file in folder.iterdir() if file.stat().st_mtime < than_s]


async def _header(requests: Requests) -> media_pb2.UploadHeader:
    first = await anext(requests, None)
    if first is None or first.WhichOneof("part") != "header":
        raise InvalidField("An upload begins with its header; then come chunks.", field="header")
    check(first.header, UploadHeaderFields)
    if first.header.offset > first.header.content.size_bytes:
        raise InvalidField(
            f"offset is {first.header.offset}, behind the file's {first.header.content.size_bytes} bytes.",
            field="offset",
        )
    return first.header


async def _next_chunk(requests: Requests, arrived: int, size: int) -> media_pb2.UploadChunk:
    """Raises UploadIncomplete if no more comes."""
    request = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CHUNK_PATIENCE_S):
            request = await anext(requests, None)
    if request is None:
        raise UploadIncomplete(
            f"The upload ended at byte {arrived} of {size}. What arrived is kept for 24 hours: go on from there.",
            offset=arrived,
        )
    if request.WhichOneof("part") != "chunk":
        raise InvalidField("After an upload's header come chunks only.", field="chunk")
    return request.chunk


async def _in(thread: ThreadPoolExecutor, work: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work, *arguments)
