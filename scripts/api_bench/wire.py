"""A TCP hop between a client and the server: it counts bytes, can be slow, and can break."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Self

BLOCK_BYTES = 1 << 12
PAUSE_S = 0.25


class Hop:
    """Forwards a port of its own to *address*.

    Args:
        up_bytes_per_s, down_bytes_per_s: how fast bytes go to the server and to the client; 0 = as they come.
        cut_up_bytes, cut_down_bytes: a connection breaks when so many bytes went up or down; 0 = never.
    """

    def __init__(
        self,
        address: str,
        *,
        up_bytes_per_s: int = 0,
        down_bytes_per_s: int = 0,
        cut_up_bytes: int = 0,
        cut_down_bytes: int = 0,
    ) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._rate = {"up": up_bytes_per_s, "down": down_bytes_per_s}
        self._cut = {"up": cut_up_bytes, "down": cut_down_bytes}
        self.bytes = {"up": 0, "down": 0}
        self.breaks = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._listener, *self._open)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket()
                if self._rate["down"]:  # before connecting: else the kernel takes in what we do not read
                    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BLOCK_BYTES)
                server.connect(self._target)
                self._open += [client, server]
                for way, source, sink in (("up", client, server), ("down", server, client)):
                    threading.Thread(target=self._forward, args=(way, source, sink), daemon=True).start()

    def _forward(self, way: str, source: socket.socket, sink: socket.socket) -> None:
        rate = self._rate[way]
        size = min(BLOCK_BYTES, int(rate * PAUSE_S)) if rate else BLOCK_BYTES
        left = self._cut[way] or 1 << 62
        with contextlib.suppress(OSError):
            while left and (data := source.recv(min(size, left))):
                sink.sendall(data)
                self.bytes[way] += len(data)
                left -= len(data)
                if rate:
                    time.sleep(len(data) / rate)
            self.breaks += not left
        _end(source, sink)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
