"""Files under the shared roots as assets: looked into once, known again, and told when they have changed."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from understudy_api.v1 import media_pb2
from understudy_engine.errors import MediaNotFound

from ..errors import InvalidField, MediaChanged
from ..manifest import read_manifest
from ..storage import new_media_name
from ..store import MediaFile, MediaStore
from ..store.edits import now
from .identity import digest_of, identity_of, is_still, size_and_time
from .prober import Prober
from .roots import Roots


class MediaLinker:
    def __init__(self, roots: Roots, store: MediaStore, prober: Prober) -> None:
        self._roots = roots
        self._store = store
        self._prober = prober

    async def link(self, request: media_pb2.LinkMediaRequest) -> media_pb2.MediaAsset:
        """The asset of the file that *request* names: the same one while the file stays unchanged."""
        path = await asyncio.to_thread(self._roots.existing, request.path)
        identity = await asyncio.to_thread(identity_of, path)
        known = await self._store.find(path, request.kind, identity)
        if known is not None:
            return known
        asset = await self._prober.look_into(path, request.kind, path.name)
        return await self._add(path, identity, asset, request.kind)

    async def link_own(self, path: Path, asset: media_pb2.MediaAsset) -> media_pb2.MediaAsset:
        """The asset of *path*, which the server itself has made: *asset* says what it is, and gets a name."""
        identity = await asyncio.to_thread(identity_of, path)
        known = await self._store.find(path, asset.kind, identity)
        return known or await self._add(path, identity, asset, asset.kind)

    async def _add(
        self, path: Path, identity: str, asset: media_pb2.MediaAsset, kind: int
    ) -> media_pb2.MediaAsset:
        asset.name = new_media_name()
        asset.display_name = path.name
        asset.create_time.CopyFrom(now())
        size_bytes, modified_ns = await asyncio.to_thread(size_and_time, path)
        asset.size_bytes = size_bytes
        asset.modify_time.FromNanoseconds(modified_ns)
        return await self._store.add(MediaFile(path, identity, asset), kind)

    async def unchanged(self, name: str) -> Path:
        """The file of asset *name*; raises MediaChanged if it is no longer the one that was linked."""
        file = await self._store.get(name)
        if not await asyncio.to_thread(is_still, file.path, file.identity):
            raise _changed(file)
        return file.path

    async def file(self, name: str) -> MediaFile:
        """Asset *name* as it was linked. Raises MediaNotFound."""
        return await self._store.get(name)

    async def shown_as(self, name: str) -> str:
        """What the client that brought asset *name* calls its file."""
        return (await self._store.get(name)).asset.display_name

    async def content_hash(self, name: str) -> str:
        """The sha256 of asset *name*, reckoned once for a file that stays unchanged. `digest_of` tells of folders.

        Raises MediaChanged if the file is no longer the one that was linked.
        """
        file = await self._store.get(name)
        if file.asset.sha256:
            return file.asset.sha256
        path = await self.unchanged(name)
        found = await asyncio.to_thread(digest_of, path)
        await self.unchanged(name)  # else it was changed while it was read
        await self._store.set_sha256(name, found)
        return found

    async def remember(self, manifest: Path) -> None:
        """Takes what a job has found its inputs to be from its *manifest*, if there is one."""
        for name, sha256 in (await asyncio.to_thread(_inputs, manifest)).items():
            with contextlib.suppress(MediaNotFound, MediaChanged):
                await self.unchanged(name)  # since before the job began: it is what the job has read
                if not (await self._store.get(name)).asset.sha256:
                    await self._store.set_sha256(name, sha256)


def _inputs(manifest: Path) -> dict[str, str]:
    """sha256 by asset."""
    try:
        found = read_manifest(manifest.read_text("utf-8"), manifest.name)
    except (OSError, InvalidField):
        return {}
    return {file.asset: file.sha256 for file in found.inputs}


def _changed(file: MediaFile) -> MediaChanged:
    shown_as = file.asset.display_name
    what = "has changed since it was linked" if file.path.exists() else "is gone"
    return MediaChanged(
        f"'{shown_as}' {what}. Put the file back as it was, or start a new job with it.",
        media=file.asset.name,
        file=shown_as,
    )
