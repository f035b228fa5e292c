"""A small shot with everything in it, as files, and the tiny engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.support.tiny import TINY
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.types import Mode, PassFiles, Picture, Sampling, SwapRequest

SIZE = 64


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine.load(TINY, EngineOptions(weights="stand-in"))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Tiny models are quickest so, also on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def moving_plate(frames: int) -> list[Picture]:
    """yuv420p pictures; the luma of frame k's first sample is 16 + k."""
    rng = np.random.default_rng(7)
    base = rng.integers(60, 200, (SIZE, SIZE), dtype=np.uint8)
    pictures = []
    for k in range(frames):
        luma = np.roll(base, k, axis=1)
        luma[:4, :4] = 16 + k
        chroma = [rng.integers(90, 160, (SIZE // 2, SIZE // 2), dtype=np.uint8) for _ in range(2)]
        pictures.append(Picture((luma, *chroma), "yuv420p"))
    return pictures


def keypoints_document(frames: int) -> dict:
    rng = np.random.default_rng(3)
    points = np.dstack([rng.uniform(16, 48, (frames, 133, 2)), np.ones((frames, 133))])
    return {
        "format": "understudy.keypoints",
        "version": 1,
        "width": SIZE,
        "height": SIZE,
        "frames": points.round(2).tolist(),
    }


@pytest.fixture
def shot(tmp_path: Path) -> Callable[..., SwapRequest]:
    """Makes the request for a shot of some frames: a clip, a character, keypoints, a matte."""

    def make(frames: int = 9, mode: Mode = Mode.REPLACE, /, **changes: object) -> SwapRequest:
        folder = tmp_path / f"shot{frames}"
        folder.mkdir(exist_ok=True)
        clip, matte = folder / "clip.mkv", folder / "matte.mkv"
        write_layer(clip, moving_plate(frames), rate=Fraction(24), colour=ColourTags())
        person = np.zeros((SIZE, SIZE), np.uint8)
        person[20:50, 24:44] = 255
        write_layer(matte, [Picture((person,), "gray")] * frames, rate=Fraction(24), colour=ColourTags())
        keypoints = folder / "pose.json"
        keypoints.write_text(json.dumps(keypoints_document(frames)))
        character = folder / "character.png"
        cv2.imwrite(str(character), np.random.default_rng(1).integers(0, 255, (80, 64, 3), dtype=np.uint8))
        values: dict = {
            "mode": mode,
            "clip": clip,
            "character": character,
            "passes": PassFiles(keypoints=keypoints, matte=matte if mode is Mode.REPLACE else None),
            "sampling": Sampling(steps=2, seed=5, work_area_px=SIZE * SIZE),
        }
        return SwapRequest(**(values | changes))

    return make
