"""Clips of strangers, each decoded in a process of its own: a bomb or a broken reader harms that process alone.

opener = isolated()           # or isolated(DecoderLimits(memory_bytes=...))
with opener(path) as clip:    # as `open_clip`, with the same pictures
    ...
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..errors import CorruptMedia
from ..types import FrameRange, Picture
from .info import ClipInfo
from .read import Clip, Opener, check_range
from .wire import REQUEST, DecoderLimits, clip_of, receive, receive_picture

PIPE_BYTES = 1 << 20  # a 720p frame is 1.4 MB; Linux gives 64 KiB unless asked


def isolated(limits: DecoderLimits | None = None) -> Opener:
    """An `Opener` like `open_clip`; a decoder that dies or takes too long is CorruptMedia, naming file and frame."""
    bounds = limits or DecoderLimits()

    @contextmanager
    def open_isolated(path: Path) -> Iterator[Clip]:
        decoder = _Decoder(path, bounds)
        try:
            yield _IsolatedClip(decoder)
        finally:
            decoder.close()

    return open_isolated


class _Decoder:
    """One decoder process, asked one thing at a time."""

    def __init__(self, path: Path, limits: DecoderLimits) -> None:
        self._path = path
        self._limits = limits
        self._process = started(
            f"{__package__}.decoder_child", str(path.absolute()), json.dumps(asdict(limits))
        )
        self._requests = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)
        _widen(self._answers)

    def info(self) -> ClipInfo:
        with self._watched(None):
            return clip_of(receive(self._answers), self._path)

    def frame(self, number: int, info: ClipInfo) -> Picture:
        with self._watched(number):
            self._requests.write(REQUEST.pack(number))
            self._requests.flush()
            return receive_picture(self._answers, info.size)

    def close(self) -> None:
        self._process.kill()  # it has nothing to finish
        self._process.wait()
        self._answers.close()
        with suppress(OSError):  # a request that was never read
            self._requests.close()

    @contextmanager
    def _watched(self, frame: int | None) -> Iterator[None]:
        """Kills the process if the block takes too long. Raises CorruptMedia for whatever is no proper answer."""
        clock = threading.Timer(self._limits.seconds_for(frame or 0), self._process.kill)
        clock.daemon = True
        clock.start()
        try:
            yield
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            self._process.kill()
            raise self._broken(frame) from error
        finally:
            clock.cancel()

    def _broken(self, frame: int | None) -> CorruptMedia:
        where, facts = "could not be opened", dict[str, Any]()
        if frame is not None:
            where, facts = f"could not be read at frame {frame}", {"frame": frame}
        return CorruptMedia(
            f"{self._path.name} {where}: reading it needed too much memory or time, or broke the reader. "
            "Convert it with another program and try again.",
            file=self._path.name,
            **facts,
        )


class _IsolatedClip:
    """See `Clip`."""

    def __init__(self, decoder: _Decoder) -> None:
        self._decoder = decoder
        self.info = decoder.info()

    def read(self, frames: FrameRange) -> Iterator[Picture]:
        check_range(self.info, frames)
        return (self._decoder.frame(number, self.info) for number in frames.indices)


def started(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A process that runs *module*, with pipes for what is asked and answered."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # the memory limit counts what is only reserved: by a BLAS for its threads, by malloc for its arenas
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
    )


def _widen(pipe: BinaryIO) -> None:
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # more than this user may have
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
