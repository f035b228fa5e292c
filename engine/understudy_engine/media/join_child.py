"""A process that joins segments to a master and ends: ``python -m understudy_engine.media.join_child``.

The clip's sound is a stranger's too. What is asked comes on standard input; when that closes before the end, nobody
waits for the master any more. `join_isolated` is the other end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import CorruptMedia, EngineError
from ..types import FrameRange
from .confined import allow_more_seconds, confine, take_standard_pipes
from .info import ClipInfo
from .isolated import started
from .join import join_master
from .wire import DecoderLimits, clip_answer, clip_of, error_answer, receive, send

MEANWHILE_S = 0.5


def join_isolated(
    parts: Sequence[Path],
    out: Path,
    *,
    clip: ClipInfo | None,
    frames: FrameRange,
    limits: DecoderLimits | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """`join.join_master` in a process of its own; the same errors, and CorruptMedia if the process dies.

    *meanwhile* is called twice a second; what it raises ends the process and is raised here.
    """
    process = started("join_child")
    requests, answers = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    asked = {
        "parts": [str(part.absolute()) for part in parts],
        "out": str(out.absolute()),
        "clip": clip and {**clip_answer(clip), "path": str(clip.path.absolute())},
        "frames": [frames.start, frames.end],
        "limits": asdict(limits or DecoderLimits()),
    }
    try:
        send(requests, asked)
        _wait(answers, meanwhile)
    except (OSError, EOFError, ValueError) as error:
        name = clip.path.name if clip else out.name
        raise CorruptMedia(
            f"The sound of {name} could not be read: it needed too much memory or time, or broke the reader. Convert "
            "it with another program and try again.",
            file=name,
        ) from error
    finally:
        process.kill()
        process.wait()
        answers.close()
        with suppress(OSError):  # it died with something unread
            requests.close()


def _wait(answers: BinaryIO, meanwhile: Callable[[], None]) -> None:
    """Until there is an answer; raises what it says. A thread reads it, since not every system can ask a pipe."""
    outcome: Future[object] = Future()

    def read() -> None:
        try:
            outcome.set_result(receive(answers))
        except Exception as error:
            outcome.set_exception(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while not wait([outcome], timeout=MEANWHILE_S).done:
        meanwhile()
    reader.join()
    outcome.result()


def main() -> None:
    requests, answers = take_standard_pipes()
    asked = receive(requests)
    threading.Thread(target=_end_with, args=(requests,), daemon=True).start()
    limits, frames = DecoderLimits(**asked["limits"]), FrameRange(*asked["frames"])
    confine(limits, may_write=True)
    allow_more_seconds(limits.seconds_for(len(frames)))
    clip = asked["clip"] and clip_of(asked["clip"], Path(asked["clip"]["path"]))
    try:
        join_master([Path(part) for part in asked["parts"]], Path(asked["out"]), clip=clip, frames=frames)
        send(answers, {})
    except EngineError as error:
        send(answers, error_answer(error))


def _end_with(requests: BinaryIO) -> None:
    requests.read()
    os._exit(1)  # whatever is half-written has a temporary name


if __name__ == "__main__":
    main()
