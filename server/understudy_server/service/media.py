"""MediaService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from understudy_api.v1 import media_pb2, media_pb2_grpc

from ..errors import InvalidField
from ..jobs import TERMINAL
from ..media import Downloads, MediaLinker, Uploads
from ..store import MediaStore
from ..validate import (
    CheckMediaFields,
    DownloadMediaFields,
    LinkMediaFields,
    ListMediaFields,
    MediaNameFields,
    check,
)

PAGE_SIZE, LARGEST_PAGE = 100, 1000


class MediaService(media_pb2_grpc.MediaServiceServicer):
    def __init__(
        self, linker: MediaLinker, uploads: Uploads, downloads: Downloads, store: MediaStore
    ) -> None:
        self._linker = linker
        self._uploads = uploads
        self._downloads = downloads
        self._store = store

    async def LinkMedia(  # noqa: N802 - the API's name
        self, request: media_pb2.LinkMediaRequest, context: Any
    ) -> media_pb2.LinkMediaResponse:
        check(request, LinkMediaFields)
        return media_pb2.LinkMediaResponse(media=await self._linker.link(request))

    async def CheckMedia(  # noqa: N802
        self, request: media_pb2.CheckMediaRequest, context: Any
    ) -> media_pb2.CheckMediaResponse:
        check(request, CheckMediaFields)
        return media_pb2.CheckMediaResponse(states=await self._uploads.states(request.contents))

    async def UploadMedia(  # noqa: N802
        self, requests: AsyncIterator[media_pb2.UploadMediaRequest], context: Any
    ) -> media_pb2.UploadMediaResponse:
        return media_pb2.UploadMediaResponse(media=await self._uploads.receive(requests))

    async def GetMedia(  # noqa: N802
        self, request: media_pb2.GetMediaRequest, context: Any
    ) -> media_pb2.GetMediaResponse:
        check(request, MediaNameFields)
        return media_pb2.GetMediaResponse(media=(await self._store.get(request.name)).asset)

    async def ListMedia(  # noqa: N802
        self, request: media_pb2.ListMediaRequest, context: Any
    ) -> media_pb2.ListMediaResponse:
        check(request, ListMediaFields)
        size = min(request.page_size or PAGE_SIZE, LARGEST_PAGE)
        page, more = await self._store.page(size, _place(request.page_token))
        token = f"{more[0]}-{more[1].removeprefix('media/')}" if more else ""
        return media_pb2.ListMediaResponse(media=page, next_page_token=token)

    async def DeleteMedia(  # noqa: N802
        self, request: media_pb2.DeleteMediaRequest, context: Any
    ) -> media_pb2.DeleteMediaResponse:
        check(request, MediaNameFields)
        file = await self._store.remove(request.name, tuple(TERMINAL))
        if file.uploaded:
            await asyncio.to_thread(file.path.unlink, missing_ok=True)
        return media_pb2.DeleteMediaResponse()

    async def DownloadMedia(  # noqa: N802
        self, request: media_pb2.DownloadMediaRequest, context: Any
    ) -> AsyncGenerator[media_pb2.DownloadMediaResponse]:
        check(request, DownloadMediaFields)
        async with aclosing(self._downloads.read(request)) as responses:
            async for response in responses:
                yield response


def _place(token: str) -> tuple[int, str] | None:
    if not token:
        return None
    made_at, _, identifier = token.partition("-")
    if int(made_at) >= 1 << 63:
        raise InvalidField("page_token is not one that ListMedia gave.", field="page_token")
    return int(made_at), f"media/{identifier}"
