"""Clients that were generated earlier, each kept as it was, do a whole job on the server of today."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.server.support.process import ROOT, Server, running
from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.types import Picture

TINY = "tests.server.support.tiny:load"
CLIENTS = sorted((ROOT / "tests" / "data" / "clients").iterdir())
SIZE, FRAMES = 64, 20
RATE = Fraction(24000, 1001)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All a Replace needs, and a file that is no movie."""
    folder = tmp_path_factory.mktemp("shot")
    noise = np.random.default_rng(7)
    base = noise.integers(20, 220, (SIZE, SIZE, 3), np.uint8)
    plate = [Picture((np.roll(base, number, axis=1),), "rgb24") for number in range(FRAMES)]
    write_layer(folder / "plate.mkv", plate, rate=RATE, colour=ColourTags())
    person = np.zeros((SIZE, SIZE), np.uint8)
    person[20:50, 24:44] = 255
    write_layer(folder / "matte.mkv", [Picture((person,), "gray")] * FRAMES, rate=RATE, colour=ColourTags())
    points = np.dstack([noise.uniform(16, 48, (FRAMES, 133, 2)), np.ones((FRAMES, 133))]).round(2).tolist()
    said = {"format": "understudy.keypoints", "version": 1, "width": SIZE, "height": SIZE, "frames": points}
    (folder / "points.json").write_text(json.dumps(said), "utf-8")
    cv2.imwrite(str(folder / "hero.png"), noise.integers(0, 255, (80, 64, 3), np.uint8))
    (folder / "words.mov").write_text("This is not a movie.", "utf-8")
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, shot: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("clients") / "home", shot, engine_factory=TINY) as server:
        yield server


@pytest.mark.parametrize("client", CLIENTS, ids=lambda folder: folder.name)
def test_an_earlier_client_still_does_a_whole_job(client: Path, tiny: Server, shot: Path) -> None:
    # A process of its own: two versions of one message cannot live in one protobuf.
    journey = [sys.executable, "-W", "error", "-B", "journey.py", str(tiny.home), str(shot)]
    done = subprocess.run(journey, cwd=client, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
