"""Requests that bring a clip and a character alone, through the tiny engine with nano's own nets."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from tests.support.people import (
    ALONE,
    agreement,
    empty_plate_of,
    matte_of,
    plate_of,
    studio_clip,
    write_movie,
)
from understudy_engine.engine import Engine
from understudy_engine.errors import PassMissing
from understudy_engine.types import (
    Event,
    Layer,
    MatteOptions,
    Mode,
    PassFiles,
    Planned,
    Resume,
    SegmentDone,
    Stage,
    Step,
    SwapRequest,
    Warned,
)

FRAMES = 12  # two segments
FINDING = [
    "finding the person with nano's small nets on the CPU",
    *(
        f"finding the person, {look}frame {frame} of {FRAMES}"
        for look in ("first look, ", "")
        for frame in range(1, FRAMES + 1)
    ),
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn person who is away in frame 4."""
    clips = studio_clip(ALONE, FRAMES, 64)
    frames = plate_of(clips)
    frames[4] = empty_plate_of(clips)[4]
    return write_movie(tmp_path_factory.mktemp("clip") / "clip.mkv", frames)


@pytest.fixture
def asked(clip: Path, shot: Callable[..., SwapRequest]) -> SwapRequest:
    return shot(FRAMES, clip=clip, passes=PassFiles(), matte=MatteOptions(grow_px=0))


def layer(events: list[Event], name: Layer) -> list[np.ndarray]:
    """Of all frames, as they are stored."""
    done = [event for event in events if isinstance(event, SegmentDone)]
    return [picture.planes[0] for segment in done for picture in segment.layers[name]]


def test_a_replace_of_clip_and_character_alone_tells_what_it_does_and_shows_what_it_found(
    engine: Engine, asked: SwapRequest
) -> None:
    events = list(engine.run(asked))
    assert isinstance(events[0], Planned)
    assert "Without keypoints and a matte of yours" in events[0].plan.warnings[-1]
    assert events[0].plan.settings["found"] == ("keypoints", "matte")
    stages = [event.text for event in events if isinstance(event, Stage)]
    assert stages[: len(FINDING)] == FINDING
    assert not any(isinstance(event, Step) for event in events[: len(FINDING) + 1])
    [absent, *_] = [event.text for event in events if isinstance(event, Warned)]
    assert absent == "Nobody was found in 1 of 12 frames (clip frame 4); the clip stays as it is there."
    mattes, skeletons = layer(events, Layer.MATTE), layer(events, Layer.POSE)
    assert len(mattes) == len(skeletons) == FRAMES
    assert agreement(mattes[0], matte_of(studio_clip(ALONE, FRAMES, 64), 0)[0]) > 0.8
    assert [bool(skeleton.any()) for skeleton in skeletons] == [frame != 4 for frame in range(FRAMES)]
    assert not mattes[4].any()


def test_the_same_request_gives_the_same_frames_also_from_its_second_segment_on(
    engine: Engine, asked: SwapRequest
) -> None:
    whole = list(engine.run(asked))
    first, second = [event for event in whole if isinstance(event, SegmentDone)]
    rest = list(engine.run(replace(asked, resume=Resume(segment=1, overlap=first.overlap))))
    begin = second.segment.delivers.start
    for name in Layer:
        pairs = zip(layer(whole, name)[begin:], layer(rest, name), strict=True)
        assert all(np.array_equal(before, after) for before, after in pairs)


def test_finding_can_be_left_after_any_frame(engine: Engine, asked: SwapRequest) -> None:
    events = cast("Generator[Event]", engine.run(asked))
    texts = [event.text for event in (next(events), next(events), next(events)) if isinstance(event, Stage)]
    assert texts == FINDING[:2]
    events.close()
    assert next(events, None) is None


def test_a_plan_looks_for_nobody(engine: Engine, asked: SwapRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy_engine.preprocess.nets.NetFolder.load", lambda _: pytest.fail("looked"))
    assert len(engine.plan(asked).frames) == FRAMES


@pytest.mark.parametrize("mode", list(Mode))
def test_a_clip_without_anybody_is_refused_before_the_model_runs(
    engine: Engine, asked: SwapRequest, mode: Mode, tmp_path: Path
) -> None:
    empty = write_movie(tmp_path / "empty.mkv", empty_plate_of(studio_clip(ALONE, FRAMES, 64))[:3])
    seen: list[Event] = []
    with pytest.raises(PassMissing, match="Nobody was found in any of the 3 frames"):
        seen.extend(engine.run(replace(asked, mode=mode, clip=empty)))
    assert [type(event) for event in seen] == [Planned, Stage, Stage, Stage, Stage]
