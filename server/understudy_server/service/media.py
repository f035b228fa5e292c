"""MediaService."""

from __future__ import annotations

from typing import Any

from understudy_api.v1 import media_pb2, media_pb2_grpc

from ..media import MediaLinker
from ..validate import LinkMediaFields, check


class MediaService(media_pb2_grpc.MediaServiceServicer):
    def __init__(self, linker: MediaLinker) -> None:
        self._linker = linker

    async def LinkMedia(  # noqa: N802 - the API's name
        self, request: media_pb2.LinkMediaRequest, context: Any
    ) -> media_pb2.LinkMediaResponse:
        check(request, LinkMediaFields)
        return media_pb2.LinkMediaResponse(media=await self._linker.link(request))
