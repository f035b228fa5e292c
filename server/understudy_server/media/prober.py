"""Looks into files by a process of its own for each: understudy_server.probe."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from understudy_api.v1 import media_pb2, types_pb2
from understudy_engine.errors import CorruptMedia, MediaTooLarge

from ..errors import StatusError
from ..settings import Limits

PROBES_AT_ONCE = 2


class Prober:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._room = asyncio.Semaphore(PROBES_AT_ONCE)

    async def look_into(self, path: Path, kind: int, shown_as: str) -> media_pb2.MediaAsset:
        """Kind and probe of the file at *path*, which is called *shown_as* in what is said of it.

        Raises:
            StatusError: it is not of *kind*, or cannot be used. CorruptMedia, MediaTooLarge: the process did not
            survive it, or took too long.
        """
        arguments = (path, kind, shown_as, self._limits.model_dump_json())
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "understudy_server.probe", *map(str, arguments)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # the memory limit counts what a BLAS reserves for each of its threads
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
            try:
                async with asyncio.timeout(self._limits.probe_seconds):
                    answer, _ = await process.communicate()
            except TimeoutError:
                raise MediaTooLarge(
                    f"'{shown_as}' could not be read through in {self._limits.probe_seconds} s. "
                    "Cut it shorter, or convert it to another format.",
                    file=shown_as,
                    seconds=self._limits.probe_seconds,
                ) from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        return _told(process.returncode, answer, shown_as)


def _told(returncode: int | None, answer: bytes, shown_as: str) -> media_pb2.MediaAsset:
    if returncode == 0:
        return media_pb2.MediaAsset.FromString(answer)
    if returncode == 1 and answer:
        raise StatusError(types_pb2.Status.FromString(answer))
    raise CorruptMedia(
        f"'{shown_as}' could not be opened: reading it needed too much memory or time, or broke the reader. "
        "Convert it with another program and try again.",
        file=shown_as,
    )
