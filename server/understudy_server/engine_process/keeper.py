"""The server's end of the pipe: starts an engine process, or one that finds passes, talks to it, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from understudy_api.v1 import server_pb2
from understudy_engine.expected import Card

from ..settings import Settings
from ..storage import DataFolder
from .messages import LENGTH, AnalysisAssignment, Assignment, Beat, Message, decode, encode
from .watchdog import Watchdog

log = logging.getLogger(__name__)

LOG_LIMIT_BYTES = 4 << 20
INBOX = 64  # messages read ahead; then the pipe fills up and the engine waits


class EngineProcess:
    """One life of the engine. ``receive`` gives None when it is over."""

    def __init__(self, process: Process, watchdog: Watchdog, patience_s: float) -> None:
        self._process = process
        self._watchdog = watchdog
        self._inbox: asyncio.Queue[Message | None] = asyncio.Queue(INBOX)
        self._reader = asyncio.create_task(self._read_all())
        self._watch = asyncio.create_task(self._replace_if_hung(min(1.0, patience_s / 8)))
        self.gone = asyncio.Event()
        self.hung_s = 0.0  # how long it had stood still when it was killed for that
        self.devices: list[server_pb2.Device] = []  # as they were at the last beat
        self.card: Card | None = None  # the GPU that it computes with, as the last beat told it

    @classmethod
    async def start(cls, settings: Settings, data: DataFolder) -> EngineProcess:
        model = (settings.default_model, settings.torch_threads, settings.plan, settings.gpu_memory_bytes)
        arguments = (data.path, settings.engine_factory, *model)
        patience_s = settings.reliability.hang_seconds
        return await cls.spawn("worker", arguments, data.engine_log, patience_s)

    @classmethod
    async def spawn(
        cls, module: str, arguments: Sequence[object], log: Path, patience_s: float
    ) -> EngineProcess:
        """*module* of this folder, given *arguments* and our process id, in a process of its own."""
        with _opened(log) as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", f"{__package__}.{module}", *map(str, arguments), str(os.getpid())),
                stdin=PIPE,
                stdout=PIPE,
                stderr=file,
            )
        return cls(process, Watchdog(patience_s), patience_s)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def send(self, message: Message) -> None:
        """What is said to a process that is gone is lost; ``receive`` tells that it is."""
        assert self._process.stdin is not None
        if isinstance(message, (Assignment, AnalysisAssignment)):
            self._watchdog.begin()
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(encode(message))
            await self._process.stdin.drain()

    async def receive(self) -> Message | None:
        return await self._inbox.get()

    def rest(self) -> None:
        """It has nothing to do until the next Assignment."""
        self._watchdog.rest()

    def kill(self) -> None:
        """``receive`` tells when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

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
        for task in (self._reader, self._watch):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
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
                message = decode(body)
                self._watchdog.heard(message)
                if not isinstance(message, Beat):
                    await self._inbox.put(message)
                elif message.devices:
                    self.devices = [server_pb2.Device.FromString(device) for device in message.devices]
                    self.card = Card.of_data(message.card) if message.card else None
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._process.wait()
        finally:
            self.gone.set()
        await self._inbox.put(None)

    async def _replace_if_hung(self, interval_s: float) -> None:
        """Kills the process when it stands still; ``gone`` and ``receive`` tell as they do of any death."""
        while not self.gone.is_set():
            await asyncio.sleep(interval_s)
            if self._inbox.full():  # it may be waiting for us, not we for it
                self._watchdog.excuse()
            elif self._watchdog.is_hung():
                self.hung_s = self._watchdog.limit_s
                log.error("the engine process %d stood still for %.0f s and is killed", self.pid, self.hung_s)
                self._process.kill()
                return


def _opened(log: Path) -> BinaryIO:
    """*log* to go on with, or to begin anew once it has grown large."""
    large = log.exists() and log.stat().st_size > LOG_LIMIT_BYTES
    return log.open("wb" if large else "ab")
