"""The client's calls about the server itself: what it is, its models and its folders."""

from __future__ import annotations

import os
from pathlib import Path

from . import channel, roots
from .connection import Connection
from .errors import PathRefused
from .following import ServerFollow
from .stream import Stream
from .v1 import model_pb2, server_pb2, types_pb2


class ServerCalls(Connection):
    _roots: tuple[server_pb2.SharedRoot, ...] = ()

    def info(self, *, timeout_s: float = channel.UNARY_DEADLINE_S) -> server_pb2.GetServerInfoResponse:
        request = server_pb2.GetServerInfoRequest()
        info = self._call(lambda stubs: stubs.server.GetServerInfo, request, timeout_s)
        self._roots = tuple(info.roots)
        return info

    def watch_server(self) -> Stream[server_pb2.WatchServerResponse]:
        """How the server is, and then every change: queue, engine, memory, disk, draining. Does not end.

        Goes on by itself after a restart of the server.
        """
        return self._stream(ServerFollow(self._open(lambda stubs: stubs.server.WatchServer)), beats=True)

    def drain(self, patience_s: int = 0) -> None:
        """Has the server finish its running segment, which may take *patience_s* seconds (0 means 120), and end.

        Unfinished jobs go on when it starts again.
        """
        request = server_pb2.DrainServerRequest(patience_seconds=patience_s)
        self._call(lambda stubs: stubs.server.DrainServer, request)

    def models(self) -> list[model_pb2.Model]:
        response = self._call(lambda stubs: stubs.models.ListModels, model_pb2.ListModelsRequest())
        return list(response.models)

    def rooted(self, path: str | os.PathLike[str], *, writable: bool = False) -> types_pb2.RootedPath:
        """*path* of this machine as the server names it. Raises PathRefused outside its shared folders."""
        if self._roots:
            try:
                return roots.rooted(path, self._roots, writable=writable)
            except PathRefused:
                pass  # the server may have been started anew with other folders
        return roots.rooted(path, self.info().roots, writable=writable)

    def local_path(self, path: types_pb2.RootedPath) -> Path | None:
        """Where a file that the server names is on this machine; None outside its shared folders."""
        return roots.local_path(path, self._roots or self.info().roots)

    def _forget(self) -> None:
        self._roots = ()
