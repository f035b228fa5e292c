"""Whom the character follows and how, asked for in a request: what changes the frames, and what must not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.engine.conftest import SIZE
from tests.support.people import ALONE, TWO, agreement, matte_of, plate_of, studio_clip, write_movie
from understudy_engine.engine import Engine
from understudy_engine.errors import FrameRangeOutside, PassMismatch, PassMissing, RequestError
from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.types import (
    Clicked,
    Event,
    FrameRange,
    Largest,
    Layer,
    LimbFactors,
    MatteOptions,
    Mode,
    Named,
    PassFiles,
    Picture,
    Plan,
    Planned,
    PoseOptions,
    Proportions,
    SegmentDone,
    Stage,
    SwapRequest,
)

AS_THEY_COME = PoseOptions(
    person=Largest(),
    proportions=Proportions.CLIP,
    limbs=LimbFactors(1, 1, 1, 1, 1),
    steady_faces=False,
    reference_bgr=False,
)
Make = Callable[..., SwapRequest]


def run(engine: Engine, request: SwapRequest) -> tuple[Plan, list[Event]]:
    events = list(engine.run(request))
    assert isinstance(events[0], Planned)
    return events[0].plan, events


def layer(events: list[Event], name: Layer) -> np.ndarray:
    done = [event for event in events if isinstance(event, SegmentDone)]
    return np.stack([picture.planes[0] for segment in done for picture in segment.layers[name]])


def corrections(folder: Path, *items: tuple[int, str, float, float], size: int = SIZE) -> Path:
    names = ("frame", "point", "x", "y")
    document = {
        "format": "understudy.pose_corrections",
        "version": 1,
        "width": size,
        "height": size,
        "corrections": [dict(zip(names, item, strict=True)) for item in items],
    }
    path = folder / f"corrections{len(list(folder.glob('corrections*')))}.json"
    path.write_text(json.dumps(document))
    return path


def with_passes(request: SwapRequest, **files: Path) -> SwapRequest:
    return replace(request, passes=replace(request.passes, **files))


def with_pose(request: SwapRequest, **options: Any) -> SwapRequest:
    return replace(request, pose=PoseOptions(**options))


# ---- What must change nothing


@pytest.mark.parametrize("mode", list(Mode))
def test_factors_of_one_and_empty_corrections_change_nothing_to_the_bit(
    engine: Engine, shot: Make, tmp_path: Path, mode: Mode
) -> None:
    plain = shot(9, mode)
    same = with_passes(replace(plain, pose=AS_THEY_COME), corrections=corrections(tmp_path))
    (plan, events), (other_plan, others) = run(engine, plain), run(engine, same)
    assert other_plan == plan
    for name in (Layer.RESULT, Layer.POSE):
        assert np.array_equal(layer(others, name), layer(events, name))


def test_a_request_as_it_comes_has_the_settings_that_it_had_before_there_were_options(
    engine: Engine, shot: Make
) -> None:
    sampling = {"steps", "shift", "solver", "guidance_scale", "guidance_frames", "work_area_px", "seed"}
    matte = {"grow_px", "blocks", "soften_px"}
    settings = engine.plan(shot()).settings.keys()
    assert settings == sampling | matte | {"four_step", "relight_strength"}


def test_every_option_and_correction_is_a_setting(engine: Engine, shot: Make, tmp_path: Path) -> None:
    plain, animate = shot(9), shot(9, Mode.ANIMATE)
    found = replace(plain, passes=PassFiles(matte=plain.passes.matte))
    requests = [
        *(plain, animate, found),
        with_pose(plain, limbs=LimbFactors(arms=1.1)),
        with_pose(plain, limbs=LimbFactors(arms=1.2)),
        with_pose(plain, limbs=LimbFactors(legs=1.1)),
        with_pose(plain, steady_faces=True),
        with_pose(animate, proportions=Proportions.CHARACTER),
        with_pose(found, person=Named(("B",))),
        with_pose(found, person=Named(("A", "B"))),
        with_pose(found, person=Clicked(0, 10, 10)),
        with_pose(found, person=Clicked(0, 10, 11)),
        with_pose(found, reference_bgr=True),
        with_passes(plain, corrections=corrections(tmp_path, (2, "left_wrist", 5, 6))),
        with_passes(plain, corrections=corrections(tmp_path, (2, "left_wrist", 5, 7))),
    ]
    plans = [engine.plan(request) for request in requests]
    told = {f"{plan.mode} {json.dumps(dict(plan.settings), sort_keys=True, default=str)}" for plan in plans}
    assert len(told) == len(requests)


# ---- What changes


def test_a_correction_moves_the_point_in_the_skeleton(engine: Engine, shot: Make, tmp_path: Path) -> None:
    plain = shot(9)
    put = with_passes(plain, corrections=corrections(tmp_path, (4, "left_wrist", 2, 61)))
    before, after = (layer(run(engine, request)[1], Layer.POSE) for request in (plain, put))
    differs = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert differs == [True] * 9  # its offset fades over six frames
    assert after[4, 61, 2].any()
    assert not before[4, 60:, :4].any()


def test_corrections_count_the_clips_frames_and_the_rest_is_told(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    plain = replace(shot(9), frames=FrameRange(3, 8))
    file = corrections(tmp_path, (0, "nose", 1, 1), (5, "left_wrist", 2, 61))
    plan, events = run(engine, with_passes(plain, corrections=file))
    assert "1 of 2 corrections are of frames outside the range and are left out." in plan.warnings
    assert layer(events, Layer.POSE)[5 - 3, 61, 2].any()


@pytest.mark.parametrize(
    ("items", "size", "words"),
    [
        ([(9, "nose", 1, 1)], SIZE, "of frame 9, but the clip has 9 frames"),
        ([(0, "nose", 1, 1), (0, "nose", 2, 1)], SIZE, "two corrections in frame 0"),
    ],
)
def test_corrections_that_do_not_fit_are_refused_in_planning(
    engine: Engine, shot: Make, tmp_path: Path, items: list[Any], size: int, words: str
) -> None:
    request = with_passes(shot(9), corrections=corrections(tmp_path, *items, size=size))
    with pytest.raises(PassMismatch, match=words):
        engine.plan(request)


def test_corrections_of_another_shape_than_the_clip_are_refused(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    file = corrections(tmp_path, (0, "nose", 1, 1))
    file.write_text(file.read_text().replace('"height": 64', '"height": 36'))
    with pytest.raises(PassMismatch, match="correction pass is 64x36"):
        engine.plan(with_passes(shot(9), corrections=file))


def test_limb_factors_change_the_skeleton_and_only_that(engine: Engine, shot: Make) -> None:
    plain = shot(9)
    events, others = (
        run(engine, request)[1] for request in (plain, with_pose(plain, limbs=LimbFactors(arms=0.5)))
    )
    assert not np.array_equal(layer(others, Layer.POSE), layer(events, Layer.POSE))
    assert np.array_equal(layer(others, Layer.MATTE), layer(events, Layer.MATTE))


def trembling_face(folder: Path, frames: int) -> Path:
    """Keypoints whose face lies in another place in each frame."""
    rng = np.random.default_rng(0)
    points = np.ones((frames, 133, 3))
    points[..., :2] = np.random.default_rng(1).uniform(20, 44, (133, 2))
    points[..., :2] += rng.normal(0, 1.5, (frames, 1, 2))
    document = {"format": "understudy.keypoints", "version": 1, "width": SIZE, "height": SIZE}
    (folder / "tremble.json").write_text(json.dumps(document | {"frames": points.round(2).tolist()}))
    return folder / "tremble.json"


def test_steadied_faces_change_the_frames_and_no_skeleton(engine: Engine, shot: Make, tmp_path: Path) -> None:
    plain = with_passes(shot(24), keypoints=trembling_face(tmp_path, 24))
    events, others = (run(engine, request)[1] for request in (plain, with_pose(plain, steady_faces=True)))
    assert np.array_equal(layer(others, Layer.POSE), layer(events, Layer.POSE))
    assert not np.array_equal(layer(others, Layer.CHARACTER), layer(events, Layer.CHARACTER))


# ---- A face clip of its own


def test_the_face_of_another_clip_drives_the_expression_and_leaves_the_skeleton(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    face = write_movie(tmp_path / "face.mkv", plate_of(studio_clip(ALONE, 5)))
    plain = shot(5)
    driven = with_passes(plain, face_clip=face)
    events, others = (run(engine, request)[1] for request in (plain, driven))
    assert np.array_equal(layer(others, Layer.POSE), layer(events, Layer.POSE))
    assert not np.array_equal(layer(others, Layer.CHARACTER), layer(events, Layer.CHARACTER))
    looks = [event.text for event in others if isinstance(event, Stage) and "face clip" in event.text]
    assert looks[-1] == "finding the person of the face clip, frame 5 of 5"


def test_a_face_clip_goes_with_a_drawn_skeleton_in_the_place_of_a_clip(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    face = write_movie(tmp_path / "face.mkv", plate_of(studio_clip(ALONE, 5)))
    plain = shot(5, Mode.ANIMATE)
    request = replace(plain, clip=None, passes=PassFiles(pose=plain.clip, face_clip=face))
    plan, events = run(engine, request)
    assert len(layer(events, Layer.RESULT)) == 5
    assert not any("no face pass" in warning for warning in plan.warnings)


def test_a_face_clip_of_another_length_is_refused_and_of_another_rate_goes_by_time(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    face = write_movie(tmp_path / "face.mkv", plate_of(studio_clip(ALONE, 5)))
    with pytest.raises(PassMismatch, match="face clip pass has 5 frames; the range has 9"):
        engine.plan(with_passes(shot(9), face_clip=face))
    slow = tmp_path / "slow.mkv"
    pictures = [Picture((frame,), "rgb24") for frame in plate_of(studio_clip(ALONE, 5))]
    write_layer(slow, pictures, rate=Fraction(12), colour=ColourTags())
    plan, events = run(engine, with_passes(shot(9), face_clip=slow))
    told = "The face clip pass runs at 12 frames a second, the clip at 24. Each frame of the clip takes"
    assert [warning.startswith(told) for warning in plan.warnings].count(True) == 1
    assert any("the face clip, frame 9 of 9" in event.text for event in events if isinstance(event, Stage))


# ---- Several people


@pytest.fixture(scope="module")
def two_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first of them is B."""
    return write_movie(tmp_path_factory.mktemp("two") / "clip.mkv", plate_of(studio_clip(TWO, 5)))


@pytest.fixture
def of_two(shot: Make, two_people: Path) -> SwapRequest:
    return shot(5, clip=two_people, passes=PassFiles(), matte=MatteOptions(grow_px=0))


def test_somebody_is_chosen_by_name_or_by_a_click_on_them(engine: Engine, of_two: SwapRequest) -> None:
    clip = studio_clip(TWO, 5)
    truth = [matte_of(clip, person) for person in (0, 1)]
    x, y = (float(np.flatnonzero(truth[1][2].any(axis=axis)).mean()) for axis in (0, 1))
    mattes = {
        "largest": of_two,
        "B": with_pose(of_two, person=Named(("B",))),
        "click": with_pose(replace(of_two, frames=FrameRange(1, 5)), person=Clicked(2, x, y)),
    }
    found = {name: layer(run(engine, request)[1], Layer.MATTE) for name, request in mattes.items()}
    assert agreement(found["largest"][0], truth[0][0]) > 0.7
    assert agreement(found["B"][0], truth[1][0]) > 0.7
    assert agreement(found["click"][0], truth[1][1]) > 0.7


def test_a_name_that_nobody_has_is_refused_before_the_model_runs(engine: Engine, of_two: SwapRequest) -> None:
    seen: list[Event] = []
    with pytest.raises(PassMissing, match=r"Nobody in the clip is named Z; found were: A, B\."):
        seen.extend(engine.run(with_pose(of_two, person=Named(("Z",)))))
    assert {type(event) for event in seen} == {Planned, Stage}
    assert isinstance(seen[-1], Stage)
    assert seen[-1].text == "finding the person, first look, frame 5 of 5"


def test_a_click_outside_range_or_picture_is_refused_in_planning(engine: Engine, of_two: SwapRequest) -> None:
    with pytest.raises(FrameRangeOutside, match="clicked in frame 5"):
        engine.plan(with_pose(of_two, person=Clicked(5, 1, 1)))
    with pytest.raises(RequestError, match="256x256"):
        engine.plan(with_pose(of_two, person=Clicked(0, 1, 256)))


def test_swapped_channels_find_other_points(engine: Engine, of_two: SwapRequest) -> None:
    plain, swapped = of_two, with_pose(of_two, reference_bgr=True)
    before, after = (layer(run(engine, request)[1], Layer.POSE) for request in (plain, swapped))
    assert not np.array_equal(before, after)


# ---- The character's proportions


@pytest.fixture
def to_character(shot: Make, tmp_path: Path) -> SwapRequest:
    """An Animate of a clip and a picture that show somebody."""
    frames = plate_of(studio_clip(ALONE, 5))
    clip = write_movie(tmp_path / "clip.mkv", frames)
    cv2.imwrite(str(tmp_path / "hero.png"), plate_of(studio_clip(TWO, 5))[0][..., ::-1])
    return shot(5, Mode.ANIMATE, clip=clip, character=tmp_path / "hero.png", passes=PassFiles())


def test_the_characters_proportions_are_followed_on_request(
    engine: Engine, to_character: SwapRequest
) -> None:
    plan, plain = run(engine, to_character)
    other_plan, moved = run(engine, with_pose(to_character, proportions=Proportions.CHARACTER))
    assert plan.settings.keys() ^ other_plan.settings.keys() == {"proportions"}
    assert "The character's own body is found in its picture" in other_plan.warnings[-1]
    assert "finding the character's pose" in [event.text for event in moved if isinstance(event, Stage)]
    before, after = layer(plain, Layer.POSE), layer(moved, Layer.POSE)
    assert before.any()
    assert after.any()
    assert not np.array_equal(before, after)


def test_a_picture_without_anybody_is_refused_before_the_clip_is_looked_through(
    engine: Engine, to_character: SwapRequest, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((64, 64, 3), 128, np.uint8))
    request = replace(to_character, character=tmp_path / "grey.png")
    seen: list[Event] = []
    with pytest.raises(PassMissing, match="Nobody with both shoulders was found in the character's picture"):
        seen.extend(engine.run(with_pose(request, proportions=Proportions.CHARACTER)))
    assert isinstance(seen[-1], Stage)
    assert seen[-1].text == "finding the character's pose"
