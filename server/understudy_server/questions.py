"""Processes of one question: each opens what strangers made, answers, and ends, by itself or by force."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from typing import BinaryIO

from understudy_engine.errors import EngineError
from understudy_engine.media.confined import confine, take_standard_pipes
from understudy_engine.media.wire import DecoderLimits

from .errors import to_status
from .settings import Limits

FOUND, REFUSED, BROKE = 0, 1, 2  # exit codes; a killed process has others
# The memory limit counts what a BLAS reserves for each of its threads.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


async def ask(
    module: str, *arguments: str, question: bytes = b"", limit_s: float
) -> tuple[int | None, bytes]:
    """The exit code and the answer of ``python -m module arguments``: with REFUSED, a Status.

    Raises TimeoutError after *limit_s*. The process is gone when this ends, however it ends.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, *arguments),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={**os.environ, **ONE_THREAD},
    )
    try:
        async with asyncio.timeout(limit_s):
            answer, _ = await process.communicate(question)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, answer


def answer(limits: Limits, find: Callable[[BinaryIO], bytes]) -> int:
    """The asked process's whole life: within *limits*, what *find* makes of the question; its exit code."""
    question, answers = take_standard_pipes()
    confine(DecoderLimits(memory_bytes=limits.probe_memory_bytes, seconds=limits.probe_seconds))
    try:
        found, code = find(question), FOUND
    except MemoryError:
        return BROKE
    except EngineError as error:
        found, code = to_status(error).SerializeToString(), REFUSED
    with answers:
        answers.write(found)
    return code
