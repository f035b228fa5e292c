"""The store as a job's memory: what was found for an analysis, or for an earlier job, is not looked for again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import EngineError
from ..media.info import ClipInfo
from ..preprocess.detect import Person
from ..preprocess.mattes import KeptMatte
from ..preprocess.memory import Points, RemembersShot
from ..preprocess.nets import NetFolder
from ..preprocess.people.cast import Cast
from ..preprocess.supplied import ANY_RATE
from ..types import FrameRange, FrameSize
from .cast_file import read_cast, write_cast
from .files import CAST, RAW, read_mattes, write_mattes
from .made_of import Ingredients, MadeOf
from .store import PassStore, key_of
from .types import Pass

log = logging.getLogger(__name__)


class PassMemory:
    """A `Remembers` over *store*."""

    def __init__(self, store: PassStore) -> None:
        self._store = store

    def shot(
        self, nets: NetFolder, clip: ClipInfo, frames: FrameRange, *, reference_bgr: bool
    ) -> RemembersShot:
        made_of = Ingredients(clip.path, frames, nets, self._store)
        return _Shot(self._store, made_of, clip.size, clip.rate or ANY_RATE, reference_bgr)


class _Shot:
    def __init__(
        self, store: PassStore, made_of: Ingredients, size: FrameSize, rate: Fraction, reference_bgr: bool
    ) -> None:
        self._store, self._made_of = store, made_of
        self._size, self._rate, self._reference_bgr = size, rate, reference_bgr
        self._cast: Cast | None = None
        self._points = ""  # their hash, once they were asked for or kept

    def cast(self) -> Cast | None:
        entry = self._find(Pass.PEOPLE, self._made_of.people())
        self._cast = None if entry is None else read_cast(entry / CAST)
        return self._cast

    def points(self, boxes: Mapping[int, Person]) -> Points | None:
        entry = self._find(Pass.POINTS, self._of_points(boxes))
        return None if entry is None else np.load(entry / RAW, allow_pickle=False)

    def mattes(self) -> Sequence[KeptMatte | None] | None:
        entry = self._find(Pass.MATTE, self._of_mattes())
        return None if entry is None else read_mattes(entry)

    def keep_cast(self, cast: Cast) -> None:
        self._cast = cast
        self._keep(Pass.PEOPLE, self._made_of.people(), lambda folder: write_cast(folder / CAST, cast))

    def keep_person(
        self, boxes: Mapping[int, Person], points: Points, mattes: Sequence[KeptMatte | None] | None
    ) -> None:
        self._keep(Pass.POINTS, self._of_points(boxes), lambda folder: np.save(folder / RAW, points))
        if mattes is not None:
            write = lambda folder: write_mattes(folder, mattes, self._size, self._rate)  # noqa: E731
            self._keep(Pass.MATTE, self._of_mattes(), write)
        self._store.tidy()

    def _of_points(self, boxes: Mapping[int, Person]) -> MadeOf:
        made_of = self._made_of.points(boxes, reference_bgr=self._reference_bgr)
        self._points = key_of(Pass.POINTS, made_of).sha256
        return made_of

    def _of_mattes(self) -> MadeOf:
        assert self._cast is not None
        return self._made_of.matte(self._cast, self._points)

    def _find(self, name: Pass, made_of: MadeOf) -> Path | None:
        return self._store.find(key_of(name, made_of))

    def _keep(self, name: Pass, made_of: MadeOf, write: Callable[[Path], None]) -> None:
        key = key_of(name, made_of)
        if self._store.entry(key).exists():
            return
        try:
            with self._store.writing(key, made_of) as folder:
                write(folder)
        except (EngineError, OSError):  # the job itself needs none of it
            log.warning("the %s of a clip could not be kept", name, exc_info=True)
