"""A process that decodes one clip and ends: ``python -m understudy_engine.media.decoder_child PATH LIMITS``.

Tells of the clip, then gives one frame for each number on its standard input, until that closes. isolated.py is the
other end.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import MediaError
from ..types import FrameRange, Picture
from .confined import allow_more_seconds, confine, take_standard_pipes
from .read import Clip, open_clip
from .wire import REQUEST, DecoderLimits, clip_answer, error_answer, send


def main() -> None:
    path, limits = Path(sys.argv[1]), DecoderLimits(**json.loads(sys.argv[2]))
    requests, answers = take_standard_pipes()
    confine(limits)
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
        allow_more_seconds(limits.seconds_for(wanted))
        try:
            if wanted != following:
                frames = clip.read(FrameRange(wanted, clip.info.frame_count))
            picture = next(frames)
        except MediaError as error:
            following = -1
            send(answers, error_answer(error))
        else:
            following = wanted + 1
            send(answers, {"pix_fmt": picture.pix_fmt}, picture.planes)


if __name__ == "__main__":
    main()
