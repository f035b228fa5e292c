"""Clips opened by path: movies, folders of numbered pictures, single pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeAlias

from ..errors import FrameRangeOutside
from ..types import FrameRange, Picture
from .info import ClipInfo
from .limits import PICTURE_SUFFIXES, STORED_CODEC
from .movie import MovieClip
from .stills import StillsClip, numbered_pictures


class Clip(Protocol):
    """An open clip. Not for several threads. Reads may be interleaved, but each change between them seeks."""

    @property
    def info(self) -> ClipInfo: ...

    def read(self, frames: FrameRange) -> Iterator[Picture]:
        """Frames *frames* of the clip, upright: the k-th picture is exactly frame ``frames.start + k``.

        Holds one picture and what the decoder needs, whatever the range.

        Raises:
            FrameRangeOutside: the clip has no such frames.
            CorruptMedia: a frame is damaged or missing; the message names it.
        """
        ...


Opener: TypeAlias = Callable[[Path], AbstractContextManager[Clip]]
"""How files are opened: `open_clip` in this process, `isolated.isolated` in processes of their own."""


@contextmanager
def open_clip(path: Path) -> Iterator[Clip]:
    """Opens a movie, a folder of numbered pictures, or one picture, and counts its frames.

    Counting reads the whole file once, without decoding it.

    Raises:
        MediaNotFound, UnsupportedMedia, CorruptMedia, MediaTooLarge
    """
    clip = _opened(path)
    try:
        yield _Checked(clip)
    finally:
        clip.close()


@contextmanager
def open_stored(path: Path) -> Iterator[Clip]:
    """As `open_clip`, a layer or master of our own making: no decoder but FFV1's is let near what else it holds.

    A master's sound is the clip's, and so a stranger's; told of are its tracks as the container names them.
    """
    clip = MovieClip(path, (STORED_CODEC,))
    try:
        yield _Checked(clip)
    finally:
        clip.close()


def probe(path: Path, opener: Opener = open_clip) -> ClipInfo:
    """What is known of the clip once it is open; the errors of `open_clip`."""
    with opener(path) as clip:
        return clip.info


def _opened(path: Path) -> MovieClip | StillsClip:
    if path.is_dir():
        return StillsClip(path, numbered_pictures(path))
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return StillsClip(path, [path])
    return MovieClip(path)


def check_range(info: ClipInfo, frames: FrameRange) -> None:
    """Raises FrameRangeOutside unless the clip has all of *frames*."""
    if not 0 <= frames.start <= frames.end <= info.frame_count:
        raise FrameRangeOutside(
            f"Frames {frames.start} to {frames.end - 1} were asked for; {info.path.name} has frames "
            f"0 to {info.frame_count - 1}. Choose a range inside the clip.",
            start=frames.start,
            end=frames.end,
            frame_count=info.frame_count,
        )


class _Checked:
    """Refuses ranges outside the clip before anything is decoded."""

    def __init__(self, clip: MovieClip | StillsClip) -> None:
        self._clip = clip
        self.info = clip.info

    def read(self, frames: FrameRange) -> Iterator[Picture]:
        check_range(self.info, frames)
        return self._clip.read(frames)
