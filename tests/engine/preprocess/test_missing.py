from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from understudy_engine.errors import FrameRangeOutside, RequestError
from understudy_engine.preprocess.missing import absence_told, finding_told, spans, to_find
from understudy_engine.preprocess.options import pose_settings, refuse_click_outside, refuse_idle
from understudy_engine.types import (
    Clicked,
    FrameRange,
    FrameSize,
    LimbFactors,
    Mode,
    Named,
    PassFiles,
    PoseOptions,
    Proportions,
    SwapRequest,
)
from understudy_engine.weights.net_files import Net

FILE = Path("file")


def wanted(mode: Mode, *supplied: str, clip: Path | None = FILE) -> tuple[str, ...]:
    passes = PassFiles(**dict.fromkeys(supplied, FILE))
    return to_find(SwapRequest(mode=mode, clip=clip, character=FILE, passes=passes))


@pytest.mark.parametrize(
    ("supplied", "in_replace", "in_animate"),
    [
        ((), ("keypoints", "matte"), ("keypoints",)),
        (("keypoints",), ("matte",), ()),
        (("matte",), ("keypoints",), ("keypoints",)),
        (("matte", "keypoints"), (), ()),
        (("matte", "pose", "face"), (), ()),
        (("matte", "pose", "face_boxes"), (), ()),
        (("matte", "pose"), ("keypoints",), ("keypoints",)),  # of the face
        (("pose", "face"), ("matte",), ()),
        (("pose", "face_clip"), ("matte",), ()),
    ],
)
def test_only_what_nobody_supplied_is_found(
    supplied: tuple[str, ...], in_replace: tuple[str, ...], in_animate: tuple[str, ...]
) -> None:
    assert wanted(Mode.REPLACE, *supplied) == in_replace
    assert wanted(Mode.ANIMATE, *supplied) == in_animate


def test_without_a_clip_there_is_nothing_to_find_anybody_in() -> None:
    assert wanted(Mode.ANIMATE, "pose", clip=None) == ()


def test_the_artist_is_told_what_is_missing_and_for_whom_the_nets_are() -> None:
    told = finding_told(("keypoints", "matte"), list(Net))
    assert told.startswith(
        "Without keypoints and a matte of yours, small nets find the person in the clip. They were"
    )
    assert "drawn figures" in told


def test_larger_nets_need_no_warning_and_what_stays_small_is_named() -> None:
    assert finding_told(("keypoints", "matte"), []) == ""
    assert finding_told(("keypoints",), [Net.MATTE]) == ""  # no matte is wanted
    told = finding_told(("matte",), [Net.MATTE])
    assert told.startswith(
        "Without a matte of yours, a small matte net helps to find the person in the clip. It was"
    )


def test_absent_frames_are_told_by_the_clips_own_numbers() -> None:
    told = absence_told([0, 1, 2, 5], FrameRange(10, 20), "so it is")
    assert told == "Nobody was found in 4 of 10 frames (clip frames 10 to 12, 15); so it is."


def test_many_spans_are_cut_short() -> None:
    assert spans([1, 3, 5, 7, 9, 10]) == "1, 3, 5, 7 and others"
    assert spans([]) == ""


# ---- Options that do something, or are refused


CHARACTER = Proportions.CHARACTER
B = Named(("B",))


def asked(mode: Mode, *supplied: str, clip: Path | None = FILE, **options: Any) -> SwapRequest:
    passes = PassFiles(**dict.fromkeys(supplied, FILE))
    return SwapRequest(mode=mode, clip=clip, character=FILE, passes=passes, pose=PoseOptions(**options))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (asked(Mode.REPLACE, proportions=CHARACTER), "Replace keeps the person's own proportions"),
        (asked(Mode.ANIMATE, "pose", proportions=CHARACTER), "followed as it is drawn"),
        (asked(Mode.ANIMATE, "pose", limbs=LimbFactors(arms=2)), "followed as it is drawn"),
        (asked(Mode.REPLACE, "pose", "corrections"), "followed as it is drawn"),
        (asked(Mode.ANIMATE, "keypoints", clip=None, limbs=LimbFactors(arms=2)), "Name the clip"),
        (asked(Mode.REPLACE, "keypoints", person=B), "Nobody is looked for"),
        (asked(Mode.ANIMATE, "pose", "face", person=B), "Nobody is looked for"),
        (asked(Mode.REPLACE, "keypoints", reference_bgr=True), "swapped channels change nothing"),
        (asked(Mode.ANIMATE, "keypoints", "face_boxes", steady_faces=True), "need no steadying"),
        (asked(Mode.ANIMATE, "keypoints", "face_clip", steady_faces=True), "need no steadying"),
        (asked(Mode.REPLACE, "face_clip", "face"), "both say which face is followed"),
    ],
)
def test_an_option_that_could_change_nothing_is_refused(request_: SwapRequest, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        refuse_idle(request_)


@pytest.mark.parametrize(
    "request_",
    [
        asked(Mode.REPLACE),
        asked(Mode.ANIMATE, "pose", clip=None),
        asked(Mode.REPLACE, "corrections", person=B, limbs=LimbFactors(arms=2), reference_bgr=True),
        asked(Mode.REPLACE, "keypoints", "corrections", steady_faces=True),
        asked(Mode.REPLACE, "pose", "face", person=B, reference_bgr=True),  # the matte is still looked for
        asked(Mode.ANIMATE, "keypoints", proportions=CHARACTER, reference_bgr=True),
        asked(Mode.ANIMATE, "keypoints", "face_clip", reference_bgr=True),
    ],
)
def test_what_can_change_something_is_not(request_: SwapRequest) -> None:
    refuse_idle(request_)


def test_only_options_that_differ_from_how_they_come_are_settings() -> None:
    assert pose_settings(asked(Mode.REPLACE)) == {}
    as_they_come: dict[str, Any] = {"proportions": Proportions.CLIP, "limbs": LimbFactors(legs=1)}
    assert pose_settings(asked(Mode.REPLACE, **as_they_come)) == {}
    assert pose_settings(asked(Mode.ANIMATE, person=B, proportions=CHARACTER, steady_faces=True)) == {
        "person": ["B"],
        "proportions": "character",
        "steady_faces": True,
    }
    settings = pose_settings(asked(Mode.ANIMATE, person=Clicked(3, 4, 5.5), limbs=LimbFactors(legs=1.1)))
    assert settings["person"] == {"frame": 3, "x": 4, "y": 5.5}
    assert settings["limbs"] == {"arms": 1, "legs": 1.1, "torso": 1, "head": 1, "hands": 1}


@pytest.mark.parametrize(
    ("click", "error", "words"),
    [
        (Clicked(9, 5, 5), FrameRangeOutside, "clicked in frame 9, but frames 10 to 19"),
        (Clicked(20, 5, 5), FrameRangeOutside, "clicked in frame 20"),
        (Clicked(10, 64, 5), RequestError, "64, 5 lies outside the clip's 64x48"),
        (Clicked(10, float("nan"), 5), RequestError, "outside"),
    ],
)
def test_a_click_beside_frames_or_picture_is_refused(
    click: Clicked, error: type[RequestError], words: str
) -> None:
    request = asked(Mode.REPLACE, person=click)
    with pytest.raises(error, match=words):
        refuse_click_outside(request, FrameRange(10, 20), FrameSize(64, 48))
    inside = replace(request, pose=PoseOptions(person=Clicked(10, 0, 47.9)))
    refuse_click_outside(inside, FrameRange(10, 20), FrameSize(64, 48))
