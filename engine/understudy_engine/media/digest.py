"""Pictures by their samples: the same pictures have the same digest, in whatever file they are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..types import FrameRange, Picture
from .layer import restored
from .pixels import components, size_of
from .read import open_clip


class PictureDigest:
    """sha256 over pictures in their `stored_format`.

    For each picture: the line "FORMAT WIDTHxHEIGHT", then the samples of every channel in the format's order, rows
    from the top, 16-bit samples little endian; padding bytes do not count.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add(self, picture: Picture) -> None:
        stored = restored(picture)
        size = size_of(stored)
        self._sha256.update(f"{stored.pix_fmt} {size.width}x{size.height}\n".encode())
        for samples in components(stored).values():
            little = samples.astype(samples.dtype.newbyteorder("<"), copy=False)
            self._sha256.update(np.ascontiguousarray(little).data)

    def watch(self, pictures: Iterable[Picture]) -> Iterator[Picture]:
        """*pictures* as they pass by."""
        for picture in pictures:
            self.add(picture)
            yield picture

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


def picture_digest(file: Path) -> str:
    """`PictureDigest` of all pictures in a clip. Holds one picture at a time; decodes every one."""
    digest = PictureDigest()
    with open_clip(file) as clip:
        for picture in clip.read(FrameRange(0, clip.info.frame_count)):
            digest.add(picture)
    return digest.hexdigest()
