"""A model that is shown how the character stands in its picture: what is told where nobody is found there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.engine.two_people import role_in
from tests.support.people import ALONE, plate_of, studio_clip
from tests.support.tiny import TINY
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.preprocess.missing import NOBODY_IN_PICTURE
from understudy_engine.types import Event, SegmentDone, Stage, SwapRequest, Warned

Make = Callable[..., SwapRequest]


@pytest.fixture(scope="module")
def shown() -> Engine:
    """As nano: the reference's frame has a skeleton of its own."""
    spec = replace(TINY, transformer=replace(TINY.transformer, reference_pose=True))
    return Engine.load(spec, EngineOptions(weights="stand-in"))


@pytest.fixture(scope="module")
def hero(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hero") / "hero.png"
    cv2.imwrite(str(path), plate_of(studio_clip(ALONE, 1, 128))[0][..., ::-1])
    return path


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of nobody."""
    path = tmp_path_factory.mktemp("grey") / "grey.png"
    cv2.imwrite(str(path), np.full((80, 64, 3), 90, np.uint8))
    return path


def told(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Warned)]


def test_nobody_in_the_picture_is_told_once_and_the_job_goes_on(
    shown: Engine, shot: Make, grey: Path
) -> None:
    events = list(shown.run(shot(5, character=grey)))
    assert told(events) == [NOBODY_IN_PICTURE]
    stages = [
        event.text for event in events[: events.index(Warned(NOBODY_IN_PICTURE))] if isinstance(event, Stage)
    ]
    assert stages == ["looking at the character"]
    assert isinstance(events[-2], SegmentDone)


def test_somebody_in_the_picture_is_no_news(shown: Engine, shot: Make, hero: Path) -> None:
    assert told(list(shown.run(shot(5, character=hero)))) == []


def test_models_that_are_not_shown_it_tell_nothing(engine: Engine, shot: Make, grey: Path) -> None:
    assert told(list(engine.run(shot(5, character=grey)))) == []


def test_of_several_roles_the_one_is_named(
    shown: Engine, shot: Make, hero: Path, grey: Path, tmp_path: Path
) -> None:
    further = replace(role_in(tmp_path, "role1", [(44, 60)] * 5, 41), character=grey)
    request = replace(shot(5, character=hero), roles=(further,))
    assert told(list(shown.run(request))) == [f"Role 1: {NOBODY_IN_PICTURE}"]
