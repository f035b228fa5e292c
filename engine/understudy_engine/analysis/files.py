"""What the store's entries hold: the names of their files, and mattes in and out of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
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
from ..types import FrameRange, FrameSize, Picture

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


def read_mattes(folder: Path) -> Iterator[WholeMatte | None]:
    """What `write_mattes` wrote, a frame at a time."""
    there = np.load(folder / THERE, allow_pickle=False)
    with open_stored(folder / MATTE_FILE) as movie:
        pictures = RgbSource(movie, frames=FrameRange(0, len(there)))
        for index, is_there in enumerate(there):
            yield WholeMatte.packed(pictures.read([index])[0, ..., 0]) if is_there else None


@dataclass(frozen=True, slots=True)
class WholeMatte:
    """A picture's matte, zipped: some ten KB of 1080p."""

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
