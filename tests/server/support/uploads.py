"""Files sent to a server chunk by chunk, well or badly."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.server.support.process import Api
from tests.support.waiting import wait_until
from understudy_api.v1 import media_pb2

CHUNK_BYTES = 1 << 14

State = media_pb2.ContentState


def content_of(data: bytes) -> media_pb2.ContentId:
    return media_pb2.ContentId(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def header(data: bytes, offset: int = 0, **more: Any) -> media_pb2.UploadMediaRequest:
    return media_pb2.UploadMediaRequest(
        header=media_pb2.UploadHeader(content=content_of(data), offset=offset, **more)
    )


def chunk(data: bytes, start: int, size: int = CHUNK_BYTES) -> media_pb2.UploadMediaRequest:
    part = data[start : start + size]
    return media_pb2.UploadMediaRequest(
        chunk=media_pb2.UploadChunk(offset=start, data=part, crc32=zlib.crc32(part))
    )


def requests(data: bytes, offset: int = 0, end: int | None = None, **more: Any) -> Iterator[Any]:
    """The header, then chunks from *offset* to *end*."""
    yield header(data, offset, **more)
    for start in range(offset, len(data) if end is None else end, CHUNK_BYTES):
        yield chunk(data, start)


def send(api: Api, messages: Iterator[Any] | list[Any]) -> media_pb2.MediaAsset:
    return api.call(api.media.UploadMedia, iter(messages)).media


def upload(api: Api, data: bytes, offset: int = 0, **more: Any) -> media_pb2.MediaAsset:
    return send(api, requests(data, offset, **more))


def state(api: Api, data: bytes) -> media_pb2.ContentState:
    request = media_pb2.CheckMediaRequest(contents=[content_of(data)])
    [found] = api.call(api.media.CheckMedia, request).states
    return found


def settled(api: Api, data: bytes) -> media_pb2.ContentState:
    """The state once the server has noticed that an upload broke."""
    wait_until(lambda: state(api, data).state != State.STATE_UPLOADING)
    return state(api, data)


def stored(home: Path) -> list[Path]:
    return sorted((home / "media").iterdir())
