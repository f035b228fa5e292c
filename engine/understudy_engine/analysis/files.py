"""What the store's entries hold: the names of their files, and mattes in and out of them."""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..media.info import ColourTags
from ..media.read import open_stored
from ..media.rgb import RgbSource
from ..media.write import write_layer
from ..preprocess.matte import Matte
from ..preprocess.mattes import KeptMatte
from ..types import FrameSize, Picture

CAST, RAW, THERE = "people.json", "points.npy", "there.npy"
KEYPOINTS_FILE, FACE_BOXES_FILE, MATTE_FILE = "keypoints.json", "face_boxes.json", "matte.mkv"


def write_mattes(folder: Path, mattes: Sequence[KeptMatte | None], size: FrameSize, rate: Fraction) -> None:
    """A lossless movie, white = the person, and which frames show them. Memory: one frame."""

    def laid_out() -> Iterator[Picture]:
        for matte in mattes:
            nobody = np.zeros((size.height, size.width), np.uint8)
            yield Picture((nobody if matte is None else matte.laid_back(size),), "gray")

    np.save(folder / THERE, np.array([matte is not None for matte in mattes]))
    write_layer(folder / MATTE_FILE, laid_out(), rate=rate, colour=ColourTags(range="pc"))


def read_mattes(folder: Path) -> list[StoredMatte | None]:
    """What `write_mattes` wrote, each read when it is laid out: the movie stays open while one of them is held.

    Memory: that of an open movie, and 0.1 KB a frame.
    """
    movie, there = _Movie(folder / MATTE_FILE), np.load(folder / THERE, allow_pickle=False)
    return [StoredMatte(movie, index) if is_there else None for index, is_there in enumerate(there)]


class _Movie:
    def __init__(self, path: Path) -> None:
        opened = ExitStack()
        self._pictures = RgbSource(opened.enter_context(open_stored(path)))
        weakref.finalize(self, opened.close)

    def read(self, index: int) -> Matte:
        return self._pictures.read([index])[0, ..., 0]


@dataclass(frozen=True, slots=True)
class StoredMatte:
    movie: _Movie
    index: int

    def laid_back(self, picture: FrameSize) -> Matte:
        """*picture* is the movie's own size."""
        alpha = self.movie.read(self.index)
        assert alpha.shape == (picture.height, picture.width)
        return alpha


@dataclass(frozen=True, slots=True)
class WholeMatte:
    """A picture's matte, zipped."""

    zipped: bytes
    size: FrameSize

    @classmethod
    def packed(cls, alpha: Matte) -> WholeMatte:
        """Of (H, W), 255 = the person."""
        return cls(zlib.compress(alpha.tobytes(), level=1), FrameSize(alpha.shape[1], alpha.shape[0]))

    def laid_back(self, picture: FrameSize) -> Matte:
        """*picture* is its own size."""
        assert picture == self.size
        alpha = np.frombuffer(zlib.decompress(self.zipped), np.uint8)
        return alpha.reshape(picture.height, picture.width)
