"""The client's calls about files: link, upload, look at, download, delete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from . import channel
from .errors import InvalidRequest, NotFound, PathRefused
from .server_calls import ServerCalls
from .transfer import Download, Upload
from .v1 import job_pb2, media_pb2, types_pb2

MADE_ELSEWHERE_S = 2.0  # file systems round times; a file of another machine differs by more, or in size


class MediaCalls(ServerCalls):
    def link(
        self, path: str | os.PathLike[str], kind: media_pb2.MediaKind.ValueType | None = None
    ) -> media_pb2.MediaAsset:
        """Makes a file of this machine usable by jobs; it is not copied.

        Raises:
            NotFound: no such file.
            PathRefused: it lies in no folder that the server shares.
            MediaRefused: it is not of *kind*, or cannot be used at all.
        """
        _existing(path)
        request = media_pb2.LinkMediaRequest(
            path=self.rooted(path), kind=kind or media_pb2.MEDIA_KIND_UNSPECIFIED
        )
        return self._call(lambda stubs: stubs.media.LinkMedia, request, channel.LINK_DEADLINE_S).media

    def upload(
        self,
        path: str | os.PathLike[str],
        kind: media_pb2.MediaKind.ValueType | None = None,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> media_pb2.MediaAsset:
        """Sends a file to the server, unless the server holds its content already.

        A break is waited out, and the upload goes on where it was, also when it is started again days later.

        Args:
            progress: told the bytes that have been sent, and how many there are.

        Raises:
            NotFound: no such file. InvalidRequest: it is a folder; only files can be sent.
            MediaRefused: it is not of *kind*, cannot be used, or did not arrive as it was sent.
        """
        found = _existing(path)
        if found.is_dir():
            message = (
                f"{found.name} is a folder, and only files can be sent. "
                "Put it under a folder that the server shares, or make a movie of it."
            )
            raise InvalidRequest(message, metadata={"path": str(path)})
        chunk_bytes = self.info().limits.max_chunk_bytes
        upload = Upload(self, found, kind or media_pb2.MEDIA_KIND_UNSPECIFIED, chunk_bytes, progress)
        return upload.run(patience_s=self._patience_s)

    def check_media(self, content: media_pb2.ContentId) -> media_pb2.ContentState:
        """Whether the server holds a content already, or how much of it."""
        request = media_pb2.CheckMediaRequest(contents=[content])
        return self._call(lambda stubs: stubs.media.CheckMedia, request).states[0]

    def send_media(self, parts: Iterator[media_pb2.UploadMediaRequest]) -> media_pb2.MediaAsset:
        """One try at an upload; `upload` makes as many as it takes."""
        stubs = self._stubs
        with self._channel_errors():
            return stubs.media.UploadMedia(parts, metadata=stubs.metadata).media

    def find_server(self) -> bool:
        """Whether another server has taken this one's place; it is then used from now on."""
        return self._reconnect()

    def hand_over(
        self,
        path: str | os.PathLike[str],
        kind: media_pb2.MediaKind.ValueType | None = None,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> media_pb2.MediaAsset:
        """Links a file where the server sees this very file under a shared folder, and sends it otherwise."""
        found = _existing(path)
        try:
            asset = self.link(found, kind)
        except (PathRefused, NotFound):
            return self.upload(found, kind, progress=progress)
        if found.is_dir() or _same_file(asset, found):
            return asset
        return self.upload(found, kind, progress=progress)

    def media(self, name: str) -> media_pb2.MediaAsset:
        """Raises NotFound if the server knows no such asset."""
        return self._call(lambda stubs: stubs.media.GetMedia, media_pb2.GetMediaRequest(name=name)).media

    def list_media(self) -> Iterator[media_pb2.MediaAsset]:
        """All assets, newest first, fetched page by page."""
        request = media_pb2.ListMediaRequest()
        while True:
            page = self._call(lambda stubs: stubs.media.ListMedia, request)
            yield from page.media
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def delete_media(self, name: str) -> None:
        """Forgets an asset. An upload is deleted, a linked file left alone.

        Raises Conflict while a job needs it.
        """
        self._call(lambda stubs: stubs.media.DeleteMedia, media_pb2.DeleteMediaRequest(name=name))

    def download(
        self,
        source: str | job_pb2.OutputFile | types_pb2.RootedPath,
        to: str | os.PathLike[str],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Fetches an asset ("media/…") or a job's output file to the file *to*, and returns its path.

        It appears under its name once it is whole and its hash is right. A break is waited out; what arrived is
        kept beside it, and the download goes on there when it is started again.

        Args:
            progress: told the bytes that have arrived, and how many there are.

        Raises:
            AlreadyExists: *to* is there. MediaRefused: it did not arrive as it was sent.
        """
        request = media_pb2.DownloadMediaRequest()
        if isinstance(source, str):
            request.media = source
        else:
            request.output.CopyFrom(source.path if isinstance(source, job_pb2.OutputFile) else source)
        opened = self._open(lambda stubs: stubs.media.DownloadMedia)
        download = Download(opened, request, Path(to).expanduser(), progress)
        with self._stream(download) as pieces:
            for _ in pieces:
                pass
        return download.finish()


def _existing(path: str | os.PathLike[str]) -> Path:
    found = Path(path).expanduser()
    if not found.exists():
        message = f"There is no file {path}. Check the path."
        raise NotFound(message, reason="MEDIA_NOT_FOUND", metadata={"path": str(path)})
    return found


def _same_file(asset: media_pb2.MediaAsset, path: Path) -> bool:
    """Whether what the server found under *path*'s name is *path*, and not a file of another machine."""
    status = path.stat()
    changed_s = asset.modify_time.seconds + asset.modify_time.nanos / 1e9
    return asset.size_bytes == status.st_size and abs(changed_s - status.st_mtime) < MADE_ELSEWHERE_S
