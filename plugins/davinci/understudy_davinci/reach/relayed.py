# SPDX-License-Identifier: Apache-2.0
"""Resolve through the menu script that started us: its objects as proxies, each call a line through a pipe.

The other end is ``understudy_launcher.relay``. Used where external scripting is off and in the free edition up to 21.0.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, BinaryIO

RESOLVE = 0  # the number of the object that all others are reached from


class ResolveGone(OSError):
    """The pipe is closed: Resolve has quit, or has ended the menu script."""


def standard_pipe() -> Pipe:
    """The pipe on our standard input and output, which from now on nothing else can use by accident."""
    answers, requests = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - os.devnull is no file
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what a library prints goes to the log
    sys.stdout = sys.stderr
    return Pipe(requests, answers)


class Pipe:
    """Asks the relay, one question at a time; any thread may."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._lock = threading.Lock()
        self._dropped: list[int] = []  # objects that nobody holds any more

    def resolve(self) -> Proxy:
        return Proxy(self, RESOLVE)

    def close(self) -> None:
        """Lets the menu script go. Every later call raises ResolveGone."""
        with self._lock:
            for file in (self._requests, self._answers):
                with contextlib.suppress(OSError):  # the other end has gone first
                    file.close()

    def ask(self, **request: Any) -> Any:
        """The relay's answer.

        Raises:
            ResolveGone: nobody answers. RuntimeError: what Resolve raised.
        """
        with self._lock:
            dropped, self._dropped = self._dropped, []
            try:
                self._requests.write(json.dumps({**request, "drop": dropped}).encode() + b"\n")
                self._requests.flush()
                line = self._answers.readline()
            except (OSError, ValueError) as error:  # ValueError: closed by us
                raise ResolveGone("DaVinci Resolve has ended the connection.") from error
        if not line:
            raise ResolveGone("DaVinci Resolve has ended the connection.")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def drop(self, number: int) -> None:
        self._dropped.append(number)  # told with the next question: this may run in any thread, at any time

    def packed(self, value: Any) -> Any:
        if isinstance(value, Proxy):
            return {"object": value._number}
        if isinstance(value, (list, tuple)):
            return [self.packed(each) for each in value]
        if isinstance(value, dict):
            return {"pairs": [[self.packed(key), self.packed(each)] for key, each in value.items()]}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise TypeError(f"{type(value).__name__} cannot be passed to Resolve")

    def unpacked(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.unpacked(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "object" in value:
            return Proxy(self, value["object"])
        return {self.unpacked(key): self.unpacked(each) for key, each in value["pairs"]}


class Proxy:
    """One of Resolve's objects. As there, an attribute that it does not have is None."""

    def __init__(self, pipe: Pipe, number: int) -> None:
        self._pipe = pipe
        self._number = number
        if number != RESOLVE:
            weakref.finalize(self, pipe.drop, number).atexit = False

    def __dir__(self) -> list[str]:
        names: list[str] = self._pipe.ask(do="dir", on=self._number)
        return names

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._pipe.ask(do="get", on=self._number, name=name)
        return self._method(name) if "callable" in found else self._pipe.unpacked(found["plain"])

    def _method(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            packed = [self._pipe.packed(each) for each in arguments]
            told = self._pipe.ask(do="call", on=self._number, name=name, arguments=packed)
            return self._pipe.unpacked(told)

        return call
