"""What each pass of a clip is made of, told so that equal words mean equal passes: what the store knows them by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..preprocess.detect import Person
from ..preprocess.motion.corrections import Corrections
from ..preprocess.nets import NetFolder
from ..preprocess.people.cast import Cast
from ..types import FrameRange
from ..weights.hashes import file_hash
from ..weights.net_files import Net
from .store import PassStore

MadeOf = dict[str, Any]


class Ingredients:
    """Of *frames* of *clip*, as *nets* see them. The clip is read, to hash it, unless *store* knows it."""

    def __init__(self, clip: Path, frames: FrameRange, nets: NetFolder, store: PassStore) -> None:
        self._clip, self._frames, self._nets, self._store = clip, frames, nets, store

    @cached_property
    def clip_sha256(self) -> str:
        return self._store.clip_sha256(self._clip)

    def people(self) -> MadeOf:
        return self._seen_by(Net.DETECTOR)

    def points(self, boxes: Mapping[int, Person], *, reference_bgr: bool) -> MadeOf:
        rows = json.dumps([[frame, *box] for frame, box in sorted(boxes.items())])
        where = {"boxes": hashlib.sha256(rows.encode()).hexdigest()}
        return {**self._seen_by(Net.POSE), **where, "reference_bgr": reference_bgr}

    def matte(self, cast: Cast, points_sha256: str) -> MadeOf:
        return {**self._seen_by(Net.MATTE), "points": points_sha256, "shots": _rows(cast)}

    def _seen_by(self, net: Net) -> MadeOf:
        nets = {"net": self._nets.sha256_of(net), "device": self._nets.device_of(net)}
        return {"clip": self.clip_sha256, "frames": [self._frames.start, self._frames.end], **nets}


def painted(matte_sha256: str, frames: Mapping[int, Path]) -> MadeOf:
    """A found matte with some *frames* of somebody's own, counted as the matte's."""
    return {
        "matte": matte_sha256,
        "frames": {str(frame): file_hash(path).sha256 for frame, path in frames.items()},
    }


def motion(
    cast: Cast,
    points_sha256: str,
    there: NDArray[np.bool_],
    rate: Fraction,
    corrections: Corrections | None,
    own: Mapping[int, NDArray[np.float32]],
) -> MadeOf:
    """*there* (T,) is all that it takes from a matte. *own*: (133, 3) of frames that were given."""
    given = {"own": {str(frame): _digest(points) for frame, points in sorted(own.items())}} if own else {}
    return {
        "points": points_sha256,
        "there": _digest(there),
        "shots": _rows(cast),
        "rate": str(rate),
        "corrections": corrections and corrections.sha256(),
        **given,
    }


def _rows(cast: Cast) -> list[list[int]]:
    return [[shot.start, shot.end] for shot in cast.shots]


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
