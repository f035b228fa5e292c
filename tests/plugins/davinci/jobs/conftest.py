"""One server, whose engine inverts colours, for all tests of the job client."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.plugins.blender.support.footage import FRAMES, HEIGHT, RATE, WIDTH, frame
from tests.server.support.process import Server, running
from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.types import Picture

ENGINE = "tests.plugins.blender.support.invert_engine:load"


@pytest.fixture(scope="package")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clip.mkv (frame k is grey 10 k, with a coloured corner), clip30.mkv, hero.png, matte.png, words.mov."""
    folder = tmp_path_factory.mktemp("footage")
    frames = [Picture((frame(number),), "rgb24") for number in range(FRAMES)]
    write_layer(folder / "clip.mkv", frames, rate=RATE, colour=ColourTags())
    write_layer(folder / "clip30.mkv", frames, rate=Fraction(30), colour=ColourTags())
    cv2.imwrite(str(folder / "hero.png"), np.full((32, 24, 3), 90, np.uint8))
    cv2.imwrite(str(folder / "matte.png"), np.full((HEIGHT, WIDTH), 255, np.uint8))
    (folder / "words.mov").write_text("This is not a movie.", "utf-8")
    return folder


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("served") / "home", footage, engine_factory=ENGINE) as server:
        yield server
