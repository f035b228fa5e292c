# SPDX-License-Identifier: GPL-3.0-or-later
"""A lossless movie made of PNG pictures: an AVI file that holds one of them a frame. Knows nothing of bpy.

Blender and the server read it like any movie, frame by frame to the bit; it is one file, can be written while frames
come, and can be cut without touching a pixel.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from .ranges import Refusal

MOST_BYTES = 2_000_000_000  # an AVI file's sizes and places have 32 bits
KEY_FRAME = 0x10
SIZE_AT, RATE_AT, FRONT_BYTES = 64, 128, 224  # in a file of ours
_LIST = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")


class PngMovie:
    """Writes a movie of *size* (width, height) at *rate* (frames, seconds); it appears at *path* once it is whole.

    A context: left with an exception, nothing stays.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: tuple[int, int]) -> None:
        self.path, self.frames = path, 0
        self._size, self._rate = size, rate
        self._index = bytearray()
        self._part = path.with_name(path.name + ".part")
        self._file: BinaryIO = self._part.open("w+b")
        self._file.write(self._header(0))
        self._begin = self._file.tell() - 4  # the index counts from the word "movi"

    def add(self, png: bytes) -> None:
        """Appends a frame.

        Raises:
            Refusal: the file would be too large.
        """
        place = self._file.tell()
        if place + len(png) > MOST_BYTES:
            raise Refusal(
                f"{self.path.name} is full after {self.frames} frames: it would exceed 2 GB. Use a shorter strip."
            )
        self._file.write(_chunk(b"00dc", png))
        self._index += struct.pack("<4sIII", b"00dc", KEY_FRAME, place - self._begin, len(png))
        self.frames += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._file.close()
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        frames_end = self._file.tell()
        self._file.write(_chunk(b"idx1", bytes(self._index)))
        self._file.seek(0)
        self._file.write(self._header(frames_end))
        self._file.close()
        self._part.replace(self.path)

    def _header(self, frames_end: int) -> bytes:
        """All before the first frame; the same length whatever *frames_end*."""
        (width, height), (frames, seconds), count = self._size, self._rate, self.frames
        main = struct.pack(
            "<14I", round(1e6 * seconds / frames), 0, 0, KEY_FRAME, count, 0, 1, 0, width, height, 0, 0, 0, 0
        )
        stream = b"vidsMPNG" + struct.pack(
            "<IHHIIIIIIII", 0, 0, 0, 0, seconds, frames, 0, count, 0, 2**32 - 1, 0
        )
        stream += struct.pack("<4H", 0, 0, width, height)
        form = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MPNG", 3 * width * height, 0, 0, 0, 0)
        listed = _listed(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", form))
        front = _listed(b"hdrl", _chunk(b"avih", main) + listed)
        before = 12 + len(front)
        movie_bytes = max(frames_end - before - 8, 4)
        whole = max(frames_end, before + 12) + 8 + len(self._index) - 8
        return _LIST.pack(b"RIFF", whole, b"AVI ") + front + _LIST.pack(b"LIST", movie_bytes, b"movi")


def read_pngs(path: Path) -> Iterator[bytes]:
    """The frames of a movie that `PngMovie` wrote."""
    with path.open("rb") as file:
        file.seek(12)
        while head := file.read(8):
            kind, length = _CHUNK.unpack(head)
            if kind == b"LIST" and file.read(4) == b"movi":
                yield from _frames(file, file.tell() + length - 4)
                return
            file.seek(length + length % 2 - (4 if kind == b"LIST" else 0), 1)


def _frames(file: BinaryIO, end: int) -> Iterator[bytes]:
    while file.tell() < end:
        _, length = _CHUNK.unpack(file.read(8))
        yield file.read(length)
        file.seek(length % 2, 1)


def cut(path: Path, start: int, end: int, to: Path) -> None:
    """Writes frames *start* to *end* of a movie that `PngMovie` wrote to *to*."""
    with path.open("rb") as file:
        front = file.read(FRONT_BYTES)
    seconds, frames = struct.unpack_from("<II", front, RATE_AT)
    with PngMovie(to, struct.unpack_from("<II", front, SIZE_AT), (frames, seconds)) as movie:
        for png in itertools.islice(read_pngs(path), start, end):
            movie.add(png)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return _CHUNK.pack(kind, len(data)) + data + b"\0" * (len(data) % 2)


def _listed(kind: bytes, data: bytes) -> bytes:
    return _LIST.pack(b"LIST", len(data) + 4, kind) + data
