"""Looks into files by a process of its own for each: understudy_server.probe."""

from __future__ import annotations

import asyncio
from pathlib import Path

from understudy_api.v1 import media_pb2, types_pb2
from understudy_engine.errors import CorruptMedia, MediaTooLarge

from ..errors import StatusError
from ..questions import FOUND, REFUSED, ask
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
        limit_s = self._limits.probe_seconds
        arguments = (str(path), str(kind), shown_as, self._limits.model_dump_json())
        async with self._room:
            try:
                code, answer = await ask("understudy_server.probe", *arguments, limit_s=limit_s)
            except TimeoutError:
                raise MediaTooLarge(
                    f"'{shown_as}' could not be read through in {limit_s} s. "
                    "Cut it shorter, or convert it to another format.",
                    file=shown_as,
                    seconds=limit_s,
                ) from None
        return _told(code, answer, shown_as)


def _told(code: int | None, answer: bytes, shown_as: str) -> media_pb2.MediaAsset:
    if code == FOUND:
        return media_pb2.MediaAsset.FromString(answer)
    if code == REFUSED and answer:
        raise StatusError(types_pb2.Status.FromString(answer))
    raise CorruptMedia(
        f"'{shown_as}' could not be opened: reading it needed too much memory or time, or broke the reader. "
        "Convert it with another program and try again.",
        file=shown_as,
    )
