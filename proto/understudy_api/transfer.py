"""Files sent to the server and fetched from it, each going on where it was when something broke."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from .errors import AlreadyExists, Conflict, MediaRefused, ServerAway, TokenRefused
from .stream import CLOSED, StreamCall
from .v1 import media_pb2

State = media_pb2.ContentState
Told = Callable[[int, int], None]

PAUSE_S = 0.5
LONGEST_PAUSE_S = 2.0
NAME_CHARACTERS = 200


class Sender(Protocol):
    """What an upload needs of the client."""

    def check_media(self, content: media_pb2.ContentId) -> media_pb2.ContentState: ...

    def send_media(self, parts: Iterator[media_pb2.UploadMediaRequest]) -> media_pb2.MediaAsset: ...

    def media(self, name: str) -> media_pb2.MediaAsset: ...

    def find_server(self) -> bool: ...


class Upload:
    """One file on its way to the server: asks how much of it is there, and sends the rest."""

    def __init__(
        self,
        sender: Sender,
        path: Path,
        kind: media_pb2.MediaKind.ValueType,
        chunk_bytes: int,
        told: Told | None,
    ) -> None:
        self._sender = sender
        self._path = path
        self._kind = kind
        self._chunk_bytes = chunk_bytes
        self._told = told
        self._content = content_of(path)
        self._reached = -1  # the farthest the server has told us of

    def run(self, *, patience_s: float) -> media_pb2.MediaAsset:
        """The asset, once the server has the whole file. Waits *patience_s* seconds for a server that is away."""
        lost, pause_s = time.monotonic(), PAUSE_S
        while True:
            try:
                state = self._sender.check_media(self._content)
                if state.offset > self._reached:
                    self._reached, lost, pause_s = state.offset, time.monotonic(), PAUSE_S
                if state.state == State.STATE_KNOWN:
                    return self._sender.media(state.media)
                if state.state != State.STATE_UPLOADING:  # by another client; there is nothing to do but wait
                    return self._sender.send_media(self._parts(state.offset))
                lost = time.monotonic()
            except (ServerAway, TokenRefused) as error:
                moved = self._sender.find_server()
                if error.reason == CLOSED or (not moved and time.monotonic() - lost > patience_s):
                    raise
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _parts(self, offset: int) -> Iterator[media_pb2.UploadMediaRequest]:
        name = self._path.name[:NAME_CHARACTERS]
        yield media_pb2.UploadMediaRequest(
            header=media_pb2.UploadHeader(
                content=self._content, kind=self._kind, display_name=name, offset=offset
            )
        )
        with self._path.open("rb") as file:
            file.seek(offset)
            while data := file.read(self._chunk_bytes):
                chunk = media_pb2.UploadChunk(offset=offset, data=data, crc32=zlib.crc32(data))
                yield media_pb2.UploadMediaRequest(chunk=chunk)
                offset += len(data)
                if self._told is not None:
                    self._told(offset, self._content.size_bytes)


def content_of(path: Path) -> media_pb2.ContentId:
    """Reads the whole file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return media_pb2.ContentId(sha256=digest, size_bytes=path.stat().st_size)


class Download:
    """A file on its way from the server, into a ``.part`` file beside its place."""

    def __init__(
        self,
        call: Callable[[media_pb2.DownloadMediaRequest], StreamCall[media_pb2.DownloadMediaResponse]],
        request: media_pb2.DownloadMediaRequest,
        to: Path,
        told: Told | None,
    ) -> None:
        if to.exists():
            raise AlreadyExists(f"{to} is there already. Choose another name.", metadata={"path": str(to)})
        self._call = call
        self._request = request
        self._to = to
        self._part = to.with_name(to.name + ".part")
        self._told = told
        self._content: media_pb2.ContentId | None = None

    def open(self) -> StreamCall[media_pb2.DownloadMediaResponse]:
        self._request.offset = self._part.stat().st_size if self._part.exists() else 0
        return self._call(self._request)

    def read(self, message: media_pb2.DownloadMediaResponse) -> int:
        """The bytes that are here now."""
        if message.HasField("content"):
            self._check_same(message.content)
        with self._part.open("ab") as file:
            file.write(message.data)
            here = file.tell()
        if self._told is not None and self._content is not None:
            self._told(here, self._content.size_bytes)
        return here

    def ended(self) -> bool:
        return True

    def finish(self) -> Path:
        """Checks what arrived and gives it its name."""
        self._part.touch()  # of an empty file nothing arrives
        arrived = content_of(self._part)
        if self._content is not None and arrived != self._content:
            self._part.unlink()
            raise MediaRefused(
                f"{self._to.name} did not arrive as it was sent, or is another file than the one begun earlier. "
                "Download it again.",
                reason="HASH_MISMATCH",
                metadata={"path": str(self._to), "size_bytes": str(arrived.size_bytes)},
            )
        self._part.replace(self._to)
        return self._to

    def _check_same(self, content: media_pb2.ContentId) -> None:
        if self._content is not None and content != self._content:
            raise Conflict(f"{self._to.name} changed on the server while it was fetched. Download it again.")
        self._content = content
