"""What an analysis finds is what a job would find, to the bit; and nothing is looked for twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.analysis.conftest import FRAMES, pictures
from tests.support.people import (
    ALONE,
    TWO,
    agreement,
    empty_plate_of,
    matte_of,
    plate_of,
    studio_clip,
    write_movie,
)
from understudy_engine.analysis.analyse import analyse
from understudy_engine.analysis.store import PassStore
from understudy_engine.analysis.types import (
    Analysed,
    Analysis,
    AnalysisEvent,
    AnalysisRequest,
    Looking,
    Pass,
    PassDone,
)
from understudy_engine.engine import Engine
from understudy_engine.errors import FrameRangeOutside, PassMissing
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import RgbSource
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.types import (
    Clicked,
    FrameRange,
    MatteOptions,
    Mode,
    Named,
    PassFiles,
    PoseOptions,
    SwapRequest,
    Warned,
)

ALL = dict.fromkeys((Pass.PEOPLE, Pass.POINTS, Pass.MATTE, Pass.MOTION), False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a store that the whole module shares."""
    return tmp_path_factory.mktemp("passes")


def done(events: list[AnalysisEvent]) -> dict[Pass, bool]:
    """The passes in order, and whether they were reused."""
    return {event.name: event.reused for event in events if isinstance(event, PassDone)}


def result(events: list[AnalysisEvent]) -> Analysis:
    assert isinstance(events[-1], Analysed)
    return events[-1].analysis


@pytest.mark.parametrize("mode", list(Mode))
def test_a_job_with_analysed_passes_makes_the_pixels_of_one_that_finds_them(
    engine: Engine,
    nets: NetFolder,
    folder: Path,
    of_two: Path,
    shot: Callable[..., SwapRequest],
    tmp_path: Path,
    mode: Mode,
) -> None:
    frames, who, right = FrameRange(1, FRAMES), Named(("B",)), corrections(tmp_path)
    asked = AnalysisRequest(
        clip=of_two, frames=frames, person=who, matte=mode is Mode.REPLACE, corrections=right
    )
    found = result(list(analyse(asked, PassStore(folder), nets)))
    assert found.chosen == ("B",)
    job = replace(
        shot(9, mode), clip=of_two, frames=frames, matte=MatteOptions(grow_px=0), passes=PassFiles()
    )
    files = PassFiles(keypoints=found.keypoints, face_boxes=found.face_boxes, matte=found.matte)
    by_hand = PassFiles(corrections=right)
    finding = pictures(engine, replace(job, pose=PoseOptions(person=who), passes=by_hand))
    supplied = pictures(engine, replace(job, passes=files))
    pairs = list(zip(finding, supplied, strict=True))
    assert len(pairs) >= len(frames) * (4 if mode is Mode.REPLACE else 2)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_nothing_is_looked_for_twice_and_a_changed_setting_only_where_it_matters(
    nets: NetFolder, of_two: Path, tmp_path: Path, looked: Counter[str]
) -> None:
    def again(**changes: Any) -> tuple[dict[Pass, bool], Counter[str]]:
        looked.clear()
        events = list(analyse(replace(first, **changes), PassStore(tmp_path / "passes"), nets))
        return done(events), looked

    first = AnalysisRequest(clip=of_two)
    assert again() == (ALL, Counter(PersonDetector=6, PoseEstimator=5, MatteCutter=5))
    kept = dict.fromkeys(ALL, True)
    assert again() == (kept, Counter())
    assert again(person=Named(("A",))) == (kept, Counter())  # it is the same person
    corrected = again(corrections=corrections(tmp_path))
    assert corrected == (kept | {Pass.MOTION: False}, Counter())
    other = again(person=Named(("B",)))
    assert other == (ALL | {Pass.PEOPLE: True}, Counter(PoseEstimator=5, MatteCutter=5))
    bare = again(matte=False)
    assert bare == ({Pass.PEOPLE: True, Pass.POINTS: True, Pass.MOTION: True}, Counter())
    swapped = again(reference_bgr=True)
    assert swapped == (ALL | {Pass.PEOPLE: True}, Counter(PoseEstimator=5, MatteCutter=5))
    shorter = again(frames=FrameRange(0, 3))
    assert shorter == (ALL, Counter(PersonDetector=3, PoseEstimator=3, MatteCutter=3))
    assert again() == (kept, Counter())


def test_passes_go_by_what_a_clip_holds_wherever_it_lies(
    nets: NetFolder, of_two: Path, tmp_path: Path, looked: Counter[str]
) -> None:
    store = PassStore(tmp_path / "passes")
    here = result(list(analyse(AnalysisRequest(clip=of_two, frames=FrameRange(0, 2)), store, nets)))
    looked.clear()
    moved = tmp_path / "moved.mkv"
    moved.write_bytes(of_two.read_bytes())
    there = result(list(analyse(AnalysisRequest(clip=moved, frames=FrameRange(0, 2)), store, nets)))
    assert (looked, there.keypoints) == (Counter(), here.keypoints)
    other = write_movie(tmp_path / "other.mkv", plate_of(studio_clip(ALONE, 2, 128)))
    assert not any(done(list(analyse(AnalysisRequest(clip=other), store, nets))).values())


def test_a_pass_that_was_damaged_is_found_again_and_others_are_not(
    nets: NetFolder, of_two: Path, tmp_path: Path
) -> None:
    asked = AnalysisRequest(clip=of_two, frames=FrameRange(0, 2))
    found = result(list(analyse(asked, PassStore(tmp_path), nets)))
    assert found.matte is not None
    whole = found.matte.read_bytes()
    found.matte.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    again = done(list(analyse(asked, PassStore(tmp_path), nets)))
    assert again == dict.fromkeys(ALL, True) | {Pass.MATTE: False}
    assert found.matte.read_bytes() == whole


def test_an_analysis_can_be_left_after_any_frame_and_keeps_what_was_done(
    nets: NetFolder, of_two: Path, tmp_path: Path, looked: Counter[str]
) -> None:
    events = analyse(AnalysisRequest(clip=of_two, frames=FrameRange(0, 3)), PassStore(tmp_path), nets)
    for event in events:
        if event == Looking(Pass.POINTS, 2, 3):
            break
    events.close()
    assert [path.name.split("-")[0] for path in tmp_path.glob("p*")] == ["people"]
    looked.clear()
    list(analyse(AnalysisRequest(clip=of_two, frames=FrameRange(0, 3)), PassStore(tmp_path), nets))
    assert looked == Counter(PoseEstimator=3, MatteCutter=3)


def test_the_matte_is_the_chosen_persons_and_where_nobody_is_passes_are_empty(
    nets: NetFolder, folder: Path, of_two: Path
) -> None:
    events = list(analyse(AnalysisRequest(clip=of_two), PassStore(folder), nets))
    found = result(events)
    assert found.chosen == ("A",)
    assert [member.name for member in found.cast.members] == ["A", "B"]
    assert found.matte is not None
    with open_clip(found.matte) as clip:
        mattes = RgbSource(clip).read(range(FRAMES))[..., 0]
    overlaps = [agreement(mattes[2], matte_of(studio_clip(TWO, FRAMES, 128), who)[2]) for who in (0, 1)]
    assert max(overlaps) > 0.6
    assert min(overlaps) < 0.2
    empty = [not matte.any() for matte in mattes]
    assert empty == [frame == 4 for frame in range(FRAMES)]
    boxes = json.loads(found.face_boxes.read_text())["boxes"]
    assert boxes[4] is None
    told = [event.text for event in events if isinstance(event, Warned)]
    assert "Nobody was found in 1 of 6 frames (clip frame 4); the passes are empty there." in told


def test_a_clip_without_anybody_is_refused(nets: NetFolder, tmp_path: Path) -> None:
    empty = write_movie(tmp_path / "empty.mkv", empty_plate_of(studio_clip(ALONE, 3, 128)))
    with pytest.raises(PassMissing, match="Nobody was found in any of the 3 frames"):
        list(analyse(AnalysisRequest(clip=empty), PassStore(tmp_path / "passes"), nets))


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"person": Named(("Z",))}, PassMissing, r"named Z; found were: A, B\."),
        ({"person": Clicked(2, 1, 1)}, PassMissing, "Nobody was found at 1, 1 of frame 2"),
        ({"person": Clicked(6, 1, 1)}, FrameRangeOutside, "clicked in frame 6, but frames 0 to 5"),
        ({"frames": FrameRange(5, 5)}, FrameRangeOutside, r"Frames 5 to 5 \(end not included\)"),
        ({"frames": FrameRange(5, 12)}, FrameRangeOutside, "the clip has 6"),
    ],
)
def test_what_cannot_be_analysed_is_told(
    nets: NetFolder, folder: Path, of_two: Path, changes: dict, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        list(analyse(replace(AnalysisRequest(clip=of_two), **changes), PassStore(folder), nets))


def corrections(folder: Path) -> Path:
    path = folder / "corrections.json"
    head = {"format": "understudy.pose_corrections", "version": 1, "width": 128, "height": 128}
    path.write_text(json.dumps(head | {"corrections": [{"frame": 1, "point": "nose", "x": 64, "y": 20}]}))
    return path
