"""Server streams that survive a restart of the server: they go on where they were.

A stream is an iterator for one thread; any thread may close it, which ends the iteration at once.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import grpc

from .errors import ServerAway, TokenRefused, UnderstudyError
from .status import rpc_error

Item = TypeVar("Item")
Given = TypeVar("Given", covariant=True)
Message = TypeVar("Message")
Received = TypeVar("Received", covariant=True)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 2.0
CLOSED = "CLOSED"  # the reason of the ServerAway that a client raises once it was closed
LIVED_S = 25.0  # a call that lasted longer had reached its server: connecting gives up after 20 s


class StreamCall(Protocol[Received]):
    """What grpc returns for a server stream."""

    def __next__(self) -> Received: ...
    def cancel(self) -> bool: ...


class Follow(Protocol[Message, Given]):
    """What a stream follows: how to ask for what is still to come, and what the answers mean."""

    def open(self) -> StreamCall[Message]:
        """A new call that begins behind the last item given."""
        ...

    def read(self, message: Message) -> Given | None:
        """The item that *message* completes, or None."""
        ...

    def ended(self) -> bool:
        """Whether a call that the server ended in order was the last. May ask the server."""
        ...


class Stream(Iterator[Item], Generic[Item]):
    """Iterates over what *follow* gives.

    After a break it asks *reconnect* (true: found another server) and goes on; if no server is found for
    *patience_s* seconds it raises ServerAway. A call silent for *silence_s* seconds counts as broken.
    """

    def __init__(
        self,
        follow: Follow[Any, Item],
        reconnect: Callable[[], bool],
        *,
        patience_s: float,
        silence_s: float | None = None,
    ) -> None:
        self._follow = follow
        self._reconnect = reconnect
        self._patience_s = patience_s
        self._closed = threading.Event()
        self._call: StreamCall[Any] | None = None
        self._opened = 0.0  # when the call was opened, on the monotonic clock
        self._lost: float | None = None  # since when no call has worked
        self._pause_s = FIRST_PAUSE_S
        self._watchdog = Watchdog(self._break, silence_s) if silence_s else None

    def __next__(self) -> Item:
        while not self._closed.is_set():
            try:
                item = self._next_of_call()
            except StopIteration:
                if self._follow_ended():
                    self.close()
                continue
            except grpc.RpcError as error:
                self._recover(rpc_error(error))
                continue
            except UnderstudyError as error:
                self._recover(error)
                continue
            if item is not None:
                return item
        raise StopIteration

    def close(self) -> None:
        """Ends the iteration, also one that waits in another thread. The job goes on."""
        self._closed.set()
        self._break()
        if self._watchdog:
            self._watchdog.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _next_of_call(self) -> Item | None:
        call = self._call
        if call is None:
            self._opened = time.monotonic()
            call = self._call = self._follow.open()
            if self._closed.is_set():  # closed while it was opened
                call.cancel()
        if self._watchdog:
            with self._watchdog:
                message = next(call)
        else:
            message = next(call)
        self._lost, self._pause_s = None, FIRST_PAUSE_S
        return self._follow.read(message)

    def _follow_ended(self) -> bool:
        """The server ended the call in order: was it the end? If not, the next turn asks again."""
        self._call = None
        try:
            if self._follow.ended():
                return True
        except UnderstudyError as error:
            self._recover(error)
        self._closed.wait(FIRST_PAUSE_S)
        return False

    def _recover(self, error: UnderstudyError) -> None:
        """Waits a little for a server to go on with. Raises *error* if none comes or no wait would help."""
        self._call = None
        if self._closed.is_set():
            return
        now = time.monotonic()
        if self._lost is None or now - self._opened > LIVED_S:
            self._lost = now
        moved = isinstance(error, ServerAway | TokenRefused) and self._reconnect()
        away = isinstance(error, ServerAway) and now - self._lost < self._patience_s
        if error.reason == CLOSED or not (moved or away):
            self.close()
            raise error
        self._closed.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _break(self) -> None:
        call = self._call
        if call is not None:
            call.cancel()


class NothingLeft:
    """A call that has nothing more to say."""

    def __next__(self) -> Any:
        raise StopIteration

    def cancel(self) -> bool:
        return False


class Watchdog:
    """Calls *bark* when its ``with`` block lasts longer than *limit_s* seconds. One sleeping thread."""

    def __init__(self, bark: Callable[[], None], limit_s: float) -> None:
        self._bark = weakref.WeakMethod(bark)  # so that a dropped stream is collected, and its thread ends
        self._limit_s = limit_s
        self._due: float | None = None  # on the monotonic clock
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        self._due = time.monotonic() + self._limit_s
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="understudy-watchdog", daemon=True)
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._due = None

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(min(1.0, self._limit_s / 4)):
            due = self._due
            bark = self._bark()
            if bark is None:
                return
            if due is not None and time.monotonic() > due:
                self._due = None
                bark()
            del bark
