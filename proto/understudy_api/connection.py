"""The connection under the client: calls that are made again where that is safe, streams, another server's turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from . import channel
from .endpoint import Endpoint, read_endpoint
from .errors import ServerAway, TokenRefused, UnderstudyError
from .status import rpc_error
from .stream import CLOSED, Follow, Stream, StreamCall
from .v1 import (
    analysis_pb2_grpc,
    job_pb2_grpc,
    media_pb2_grpc,
    model_pb2_grpc,
    result_pb2_grpc,
    server_pb2_grpc,
    take_pb2_grpc,
)

Request = TypeVar("Request")
Response = TypeVar("Response")
Item = TypeVar("Item")

SILENCE_S = 15.0  # the server sends a heartbeat every 5 s


class Stubs:
    """One connection to one server."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.channel = channel.open_channel(endpoint)
        self.metadata = channel.call_metadata(endpoint)
        self.server = server_pb2_grpc.ServerServiceStub(self.channel)
        self.media = media_pb2_grpc.MediaServiceStub(self.channel)
        self.jobs = job_pb2_grpc.JobServiceStub(self.channel)
        self.results = result_pb2_grpc.ResultServiceStub(self.channel)
        self.takes = take_pb2_grpc.TakeServiceStub(self.channel)
        self.analyses = analysis_pb2_grpc.AnalysisServiceStub(self.channel)
        self.models = model_pb2_grpc.ModelServiceStub(self.channel)


class Connection:
    """What all of the client's calls share. Close it, or use it in a ``with`` statement.

    When the server was found through its endpoint file, calls and streams also find one that was started in its
    place. Streams wait *patience_s* seconds for one.
    """

    def __init__(
        self, endpoint: Endpoint | None = None, *, folder: Path | None = None, patience_s: float = 60.0
    ) -> None:
        """Opens no connection yet. Raises ServerAway if no *endpoint* is given and the file names none."""
        self._follows_file = endpoint is None
        self._folder = folder
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._closed = False
        self._stubs = Stubs(endpoint or read_endpoint(folder))

    @property
    def endpoint(self) -> Endpoint:
        return self._stubs.endpoint

    def close(self) -> None:
        """Ends every call and stream of this client. Jobs go on."""
        self._closed = True
        self._stubs.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self,
        method: Callable[[Stubs], grpc.UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        timeout_s: float = channel.UNARY_DEADLINE_S,
    ) -> Response:
        """Calls *method*; once more if another server has taken over. Every call may be repeated."""
        stubs = self._stubs
        try:
            return self._call_once(stubs, method, request, timeout_s)
        except (ServerAway, TokenRefused):
            if not self._reconnect() and stubs is self._stubs:
                raise
        return self._call_once(self._stubs, method, request, timeout_s)

    def _call_once(
        self,
        stubs: Stubs,
        method: Callable[[Stubs], grpc.UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        timeout_s: float,
    ) -> Response:
        with self._channel_errors():
            return method(stubs)(request, timeout=timeout_s, metadata=stubs.metadata)

    def _open(
        self, method: Callable[[Stubs], grpc.UnaryStreamMultiCallable[Request, Response]]
    ) -> Callable[[Request], StreamCall[Response]]:
        """Opens streams of *method*, each on the connection that there is at that moment."""

        def call(request: Request) -> StreamCall[Response]:
            stubs = self._stubs
            with self._channel_errors():
                return method(stubs)(request, metadata=stubs.metadata)

        return call

    def _stream(self, follow: Follow[Any, Item], *, beats: bool = False) -> Stream[Item]:
        """*beats*: the server sends heartbeats, so silence means that it is gone."""
        silence_s = SILENCE_S if beats else None
        return Stream(follow, self._reconnect, patience_s=self._patience_s, silence_s=silence_s)

    @contextmanager
    def _channel_errors(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            raise rpc_error(error) from error
        except ValueError as error:  # what grpc says of a channel that was closed: by close, or by _reconnect
            reason = CLOSED if self._closed else ""
            raise ServerAway("This connection was closed. Connect again.", reason=reason) from error

    def _reconnect(self) -> bool:
        """Whether the endpoint file names another server than this client's; it is then used from now on."""
        if not self._follows_file:
            return False
        with self._lock:
            try:
                found = read_endpoint(self._folder)
            except UnderstudyError:
                return False
            if found == self._stubs.endpoint:
                return False
            old, self._stubs = self._stubs, Stubs(found)
            self._forget()
        old.channel.close()
        return True

    def _forget(self) -> None:
        """Drops what was known of the server that is no more."""
