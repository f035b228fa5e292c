from __future__ import annotations

from pathlib import Path

import pytest

from understudy_engine.preprocess.wanting import absence_told, finding_told, spans, to_find
from understudy_engine.types import FrameRange, Mode, PassFiles, SwapRequest

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
    told = finding_told(("keypoints", "matte"))
    assert "keypoints and a matte" in told
    assert "drawn figures" in told


def test_absent_frames_are_told_by_the_clips_own_numbers() -> None:
    told = absence_told([0, 1, 2, 5], FrameRange(10, 20), "so it is")
    assert told == "Nobody was found in 4 of 10 frames (clip frames 10 to 12, 15); so it is."


def test_many_spans_are_cut_short() -> None:
    assert spans([1, 3, 5, 7, 9, 10]) == "1, 3, 5, 7 and others"
    assert spans([]) == ""
