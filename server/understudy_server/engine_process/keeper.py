"""The server's end of the pipe: starts an engine process, talks to it, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import BinaryIO

from ..settings import Settings
from ..storage import DataFolder
from .messages import LENGTH, Beat, Message, decode, encode

LOG_LIMIT_BYTES = 4 << 20
INBOX = 64  # messages read ahead; then the pipe fills up and the engine waits


class EngineProcess:
    """One life of the engine. ``receive`` gives None when it is over."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._inbox: asyncio.Queue[Message | None] = asyncio.Queue(INBOX)
        self._reader = asyncio.create_task(self._read_all())
        self.gone = asyncio.Event()
        self.last_heard = time.monotonic()  # of anything, a beat too

    @classmethod
    async def start(cls, settings: Settings, data: DataFolder) -> EngineProcess:
        arguments = (
            data.path,
            settings.engine_factory,
            settings.default_model,
            settings.torch_threads,
            os.getpid(),
        )
        with _opened(data.engine_log) as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "understudy_server.engine_process.worker", *map(str, arguments)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
            )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def send(self, message: Message) -> None:
        """What is said to a process that is gone is lost; ``receive`` tells that it is."""
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(encode(message))
            await self._process.stdin.drain()

    async def receive(self) -> Message | None:
        return await self._inbox.get()

    async def end(self, patience_s: float) -> None:
        """Closes the pipe, which ends the process at any moment of its work; kills it if it lingers."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(patience_s):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        # A reader cancelled before the pipe broke has told nobody, and somebody may wait in receive().
        if self._inbox.full():
            self._inbox.get_nowait()
        self._inbox.put_nowait(None)

    async def _read_all(self) -> None:
        assert self._process.stdout is not None
        try:
            while True:
                head = await self._process.stdout.readexactly(LENGTH.size)
                body = await self._process.stdout.readexactly(*LENGTH.unpack(head))
                self.last_heard = time.monotonic()
                message = decode(body)
                if not isinstance(message, Beat):
                    await self._inbox.put(message)
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._process.wait()
        finally:
            self.gone.set()
        await self._inbox.put(None)


def _opened(log: Path) -> BinaryIO:
    """*log* to go on with, or to begin anew once it has grown large."""
    large = log.exists() and log.stat().st_size > LOG_LIMIT_BYTES
    return log.open("wb" if large else "ab")
