"""A process that decodes one clip and ends: ``python -m understudy_engine.media.decoder_child PATH LIMITS``.

Tells of the clip, then gives one frame for each number on its standard input, until that closes. isolated.py is the
other end.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import MediaError
from ..types import FrameRange, Picture
from .read import Clip, open_clip
from .wire import REQUEST, DecoderLimits, clip_answer, error_answer, send

OPEN_FILES = 64


def main() -> None:
    path, limits = Path(sys.argv[1]), DecoderLimits(**json.loads(sys.argv[2]))
    requests, answers = _take_standard_pipes()
    _confine(limits)
    try:
        with open_clip(path) as clip:
            send(answers, clip_answer(clip.info))
            _serve(clip, requests, answers, limits)
    except MediaError as error:
        send(answers, error_answer(error))


def _serve(clip: Clip, requests: BinaryIO, answers: BinaryIO, limits: DecoderLimits) -> None:
    frames: Iterator[Picture] = iter(())
    following = -1  # the frame that *frames* gives next
    while request := requests.read(REQUEST.size):
        (wanted,) = REQUEST.unpack(request)
        _allow_more_seconds(limits.seconds_for(wanted))
        try:
            if wanted != following:
                frames = clip.read(FrameRange(wanted, clip.info.frame_count))
            picture = next(frames)
        except MediaError as error:
            following = -1
            send(answers, error_answer(error))
        else:
            following = wanted + 1
            send(answers, {"pix_fmt": picture.pix_fmt}, picture)


def _take_standard_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for us alone: whatever else prints goes to standard error."""
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for handle in (requests, answers):
            msvcrt.setmode(handle, os.O_BINARY)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


def _confine(limits: DecoderLimits) -> None:
    """Makes files unwritable and bounds memory, processor time and open files for this process."""
    if sys.platform == "win32":
        return  # isolated.py's clock still holds
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    if sys.platform == "linux":  # macOS does not know it
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    _allow_more_seconds(limits.seconds)


def _allow_more_seconds(seconds: int) -> None:
    """Ends this process *seconds* of processor time from now, all threads together."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


if __name__ == "__main__":
    main()
