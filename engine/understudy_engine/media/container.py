"""Opening untrusted files with FFmpeg: by handle, from an allow-list, with errors in plain words."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError

from ..errors import CorruptMedia, MediaNotFound, UnsupportedMedia
from .limits import AUDIO_CODECS, MAX_FRAME_PX, MOVIE_FORMATS, PICTURE_FORMATS, VIDEO_CODECS

_DECODER_THREADS = 8
_SIGNATURES = ((4, b"ftyp"), (0, b"\x1a\x45\xdf\xa3"), (0, b"RIFF"), (0, b"\x89PNG"), (0, b"\xff\xd8\xff"))


@contextmanager
def opened(
    path: Path, *, pictures: bool = False, codecs: Sequence[str] = (*VIDEO_CODECS, *AUDIO_CODECS)
) -> Iterator[InputContainer]:
    """The file as a container: a movie, or with *pictures* a single picture. Only decoders of *codecs* are opened.

    Raises:
        MediaNotFound, UnsupportedMedia, CorruptMedia
    """
    check_file(path)
    options = {
        "format_whitelist": PICTURE_FORMATS if pictures else MOVIE_FORMATS,
        "codec_whitelist": ",".join(codecs),
        "protocol_whitelist": "none",  # the open handle needs none: nothing else can be reached
    }
    with path.open("rb") as file:
        try:
            container = av.open(_Handle(file), "r", container_options=options)
        except (FFmpegError, ValueError) as error:
            raise _unreadable(path, pictures) from error
        with container:
            yield container


class _Handle:
    """A file without a name, so that FFmpeg judges it by its content and knows of no other file."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def check_file(path: Path) -> None:
    """Raises MediaNotFound, UnsupportedMedia (not a plain file) or CorruptMedia (0 bytes)."""
    try:
        facts = path.stat()
    except (OSError, ValueError) as error:
        raise MediaNotFound(
            f"There is no file {path.name}, or it may not be read.", path=str(path)
        ) from error
    if not stat.S_ISREG(facts.st_mode):
        raise UnsupportedMedia(f"{path.name} is not a file.", path=str(path))
    if facts.st_size == 0:
        raise CorruptMedia(f"{path.name} is empty (0 bytes). Export or copy it again.", path=str(path))


def _unreadable(path: Path, pictures: bool) -> UnsupportedMedia | CorruptMedia:
    with path.open("rb") as file:
        head = file.read(16)
    if any(head[at : at + len(sign)] == sign for at, sign in _SIGNATURES):
        return CorruptMedia(
            f"{path.name} begins like a media file, but cannot be opened: it is damaged or cut short. "
            "Export or copy it again.",
            path=str(path),
        )
    kinds = "PNG, JPEG, TIFF, EXR, WebP or DPX picture" if pictures else "MOV, MP4, MKV, AVI, MXF or TS movie"
    return UnsupportedMedia(f"{path.name} is no {kinds}. Convert it, or choose another file.", path=str(path))


def video_stream(
    path: Path, container: InputContainer, codecs: Sequence[str] = VIDEO_CODECS
) -> av.VideoStream:
    """The first video stream that is not cover art, ready to decode within the pixel limit.

    Raises:
        UnsupportedMedia: there is none, or its codec is none of *codecs*.
    """
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams:
        raise UnsupportedMedia(f"{path.name} has no picture, only sound or data.", path=str(path))
    stream = streams[0]
    codec = getattr(stream.codec_context, "codec", None)
    if codec is None or codec.name not in codecs:
        name = "unknown" if codec is None else codec.name
        raise UnsupportedMedia(
            f"{path.name} is stored in the codec '{name}', which is not read. Convert it to ProRes or H.264.",
            path=str(path),
            codec=name,
        )
    for other in container.streams:
        if other.index != stream.index:
            other.discard = other.discard.all  # sound is read by a container of its own
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PX)}
    # Never by frames: H.264 frames decoded side by side hide damage in one another, now and then (FFmpeg 8).
    stream.codec_context.thread_type = "SLICE"
    stream.codec_context.thread_count = min(_DECODER_THREADS, os.cpu_count() or 1)
    return stream
