"""The gallery, of which a script can rely on little (T75)."""

from __future__ import annotations

from typing import Any

from .handle import Handle


class GalleryHandle(Handle):
    _class_name = "Gallery"

    def GetCurrentStillAlbum(self) -> Handle:
        return StillAlbumHandle(self._standin, None)

    def GetGalleryStillAlbums(self) -> list[Handle]:
        return [StillAlbumHandle(self._standin, None)]


class StillAlbumHandle(Handle):
    _class_name = "GalleryStillAlbum"

    def GetStills(self) -> list[Any]:
        return []

    def ExportStills(self, stills: list[Any], folder: str, prefix: str, file_format: str) -> bool:
        return False  # unless the Gallery panel is open, measured four times
