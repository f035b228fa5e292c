"""The same frames, to the last bit, whatever layout the weights come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.engine.weights.test_formats import PICKLES
from tests.support.releases import WHOLE, write_original, write_single_files
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.types import Mode, SegmentDone, SwapRequest
from understudy_engine.weights.convert import convert
from understudy_engine.weights.hashes import write_hashes
from understudy_engine.weights.sources import WeightFolder


def test_every_layout_makes_the_same_frames(tmp_path: Path, shot: Callable[..., SwapRequest]) -> None:
    original = write_original(tmp_path / "original")
    write_hashes(original, PICKLES)
    ours = convert(WHOLE, WeightFolder(original), tmp_path / "ours")
    folders = [
        original,
        ours,
        write_single_files(tmp_path / "single"),
    ]
    made = [frames(folder, shot(9, Mode.ANIMATE, prompt="a dancer")) for folder in folders]
    assert np.ptp(made[0]) > 0
    assert all(np.array_equal(made[0], other) for other in made[1:])


def frames(folder: Path, request: SwapRequest) -> np.ndarray:
    engine = Engine.load(WHOLE, EngineOptions(weights=folder, preview_every=0))
    return next(event.overlap for event in engine.run(request) if isinstance(event, SegmentDone))
