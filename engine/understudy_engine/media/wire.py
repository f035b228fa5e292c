"""What a decoder process and the one who asks it say to each other: numbers in, JSON and raw planes out.

The process may have been taken over by the file it reads, so nothing it says is believed: answers are bounded, plain
JSON, and a picture has exactly the size that its format and the clip's size give.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import (
    CorruptMedia,
    DiskFull,
    EngineError,
    MediaNotFound,
    MediaTooLarge,
    PassMismatch,
    UnsupportedMedia,
)
from ..types import FrameSize, Picture
from .info import AudioInfo, ClipInfo, ColourTags
from .limits import check_frame, check_length
from .pixels import pixel_format

REQUEST = struct.Struct(">q")  # a frame's number
LENGTH = struct.Struct(">I")  # of the JSON that follows
LONGEST_JSON = 1 << 20  # bytes

Number = TypeVar("Number", bound=np.generic)

_KINDS = (CorruptMedia, DiskFull, MediaNotFound, MediaTooLarge, PassMismatch, UnsupportedMedia)
_ERRORS: dict[str, type[EngineError]] = {kind.__name__: kind for kind in _KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderLimits:
    """What one decoder process may use. Frames and formats are limited by limits.py wherever a file is opened."""

    memory_bytes: int = 3 << 30  # of address space; an 8K clip needs about 2 GiB
    seconds: int = (
        60  # on the clock, and of the processor: to open a file and count its frames, or for one frame
    )
    seconds_per_frame: float = (
        0.1  # more for each frame before the one asked for: a seek may have to decode them
    )

    def seconds_for(self, frame: int) -> int:
        return self.seconds + int(frame * self.seconds_per_frame)


def send(pipe: BinaryIO, answer: Mapping[str, Any], arrays: Iterable[NDArray[Any]] = ()) -> None:
    body = json.dumps(answer, default=str).encode()
    pipe.write(LENGTH.pack(len(body)) + body)
    for array in arrays:
        pipe.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    pipe.flush()


def receive(pipe: BinaryIO) -> dict[str, Any]:
    """Raises EOFError at the pipe's end, ValueError for what is no answer, or the error that was told."""
    (length,) = LENGTH.unpack(_exactly(pipe, LENGTH.size))
    if length > LONGEST_JSON:
        raise ValueError(f"an answer of {length} bytes")
    answer = json.loads(_exactly(pipe, length))
    if not isinstance(answer, dict):
        raise ValueError("an answer that is no object")
    if "error" in answer:
        raise _error_of(answer)
    return answer


def receive_picture(pipe: BinaryIO, size: FrameSize) -> Picture:
    """A picture of *size*; raises as `receive` does."""
    name = str(receive(pipe)["pix_fmt"])
    layout = pixel_format(name)
    if layout.packed:
        shapes: list[tuple[int, ...]] = [(size.height, size.width, len(layout.channels))]
    else:
        places = range(len(layout.channels))
        shapes = [layout.plane_size(place, size)[::-1] for place in places]
    counts = [prod(shape) * layout.dtype.itemsize for shape in shapes]
    samples = receive_array(pipe, np.uint8, (sum(counts),))
    parts = np.split(samples, np.cumsum(counts)[:-1])
    planes = [part.view(layout.dtype).reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return Picture(tuple(planes), name)


def receive_array(pipe: BinaryIO, dtype: type[Number], shape: tuple[int, ...]) -> NDArray[Number]:
    """The array that follows an answer. Raises EOFError if there is less."""
    array = np.empty(shape, dtype)
    if pipe.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:  # type: ignore[attr-defined]
        raise EOFError
    return array


def error_answer(error: EngineError) -> dict[str, Any]:
    return {"error": type(error).__name__, "message": error.message, "facts": error.facts}


def _error_of(answer: Mapping[str, Any]) -> EngineError:
    kind = _ERRORS.get(str(answer["error"]), CorruptMedia)
    return kind(str(answer["message"]), **answer["facts"])


def clip_answer(info: ClipInfo) -> dict[str, Any]:
    return asdict(info)


def clip_of(answer: Mapping[str, Any], path: Path) -> ClipInfo:
    """The clip at *path* as `clip_answer` told of it. Raises KeyError, TypeError, ValueError or MediaTooLarge."""
    told = {name: value for name, value in answer.items() if name != "path"}
    size = FrameSize(*map(int, told.pop("size")))
    check_frame(path, *size)
    check_length(path, int(told["frame_count"]))
    rate = told.pop("rate")
    return ClipInfo(
        path=path,
        size=size,
        rate=None if rate is None else Fraction(rate),
        colour=ColourTags(**told.pop("colour")),
        audio_streams=tuple(AudioInfo(**stream) for stream in told.pop("audio_streams")),
        pixel_aspect=Fraction(told.pop("pixel_aspect")),
        start_time=Fraction(told.pop("start_time")),
        notes=tuple(told.pop("notes")),
        **told,
    )


def _exactly(pipe: BinaryIO, count: int) -> bytes:
    data = pipe.read(count)
    if len(data) != count:
        raise EOFError
    return data
