"""A clip of two drawn people, the nets that look at it, and how often they are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.people import TWO, plate_of, studio_clip, write_movie
from understudy_engine.engine import Engine
from understudy_engine.preprocess.detect import PersonDetector
from understudy_engine.preprocess.estimate import MatteCutter, PoseEstimator
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.types import SegmentDone, SwapRequest

FRAMES = 6


@pytest.fixture(scope="session")
def nets() -> NetFolder:
    return NetFolder(threads=1)


@pytest.fixture(scope="session")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn people; neither is there in frame 4."""
    frames = plate_of(studio_clip(TWO, FRAMES, 128)).copy()
    frames[4] = frames[4].mean(axis=(0, 1), dtype=np.float64).astype(np.uint8)
    return write_movie(tmp_path_factory.mktemp("clip") / "two.mkv", frames)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each net was asked."""
    counts: Counter[str] = Counter()
    for kind in (PersonDetector, PoseEstimator, MatteCutter):
        monkeypatch.setattr(kind, "find", counting(counts, kind))
    return counts


def counting(counts: Counter[str], kind: Any) -> Callable[..., object]:
    find = kind.find

    def counted(*args: object, **options: object) -> object:
        counts[kind.__name__] += 1
        return find(*args, **options)

    return counted


def pictures(engine: Engine, request: SwapRequest) -> Iterator[np.ndarray]:
    for event in engine.run(request):
        if isinstance(event, SegmentDone):
            for name in sorted(event.layers):
                for picture in event.layers[name]:
                    yield from picture.planes
