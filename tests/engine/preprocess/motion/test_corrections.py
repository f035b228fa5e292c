"""Sparse corrections over detections."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.preprocess.bodies import walking
from understudy_engine.errors import MediaError, PassMismatch, RequestError, UnsupportedMedia
from understudy_engine.preprocess.document_child import corrections_isolated
from understudy_engine.preprocess.motion.correction_files import (
    parse_corrections,
    read_corrections,
    write_corrections,
)
from understudy_engine.preprocess.motion.corrections import (
    Correction,
    Corrections,
    corrected,
    put_right,
)
from understudy_engine.preprocess.motion.gaps import fill_gaps
from understudy_engine.types import FrameRange, FrameSize

SIZE = FrameSize(640, 360)
WRIST = 9
DETECTED = walking(40, SIZE).points
OWN = {"format": "understudy.pose_corrections", "version": 1, "width": 640, "height": 360}


def with_(*items: Correction, fade: int = 6, cuts: tuple[int, ...] = ()) -> np.ndarray:
    return corrected(DETECTED, Corrections(items, SIZE, fade), cuts=cuts)


def off(points: np.ndarray) -> np.ndarray:
    """(T, 2) how far the wrist was moved."""
    return (points - DETECTED)[:, WRIST, :2]


def moved_by(frame: int, dx: float, dy: float = 0.0) -> Correction:
    x, y = DETECTED[frame, WRIST, :2].astype(float).tolist()
    return Correction(frame, WRIST, x + dx, y + dy)


def test_a_correction_holds_exactly_at_its_frame_and_is_sure():
    points = with_(Correction(20, WRIST, 123.456, 78.9))
    assert points[20, WRIST].tolist() == np.array([123.456, 78.9, 1], np.float32).tolist()


def test_the_offset_from_the_detection_goes_in_a_straight_line_between_corrections():
    assert off(with_(moved_by(10, 20), moved_by(20, 40, 10)))[10:21] == pytest.approx(
        np.stack([np.linspace(20, 40, 11), np.linspace(0, 10, 11)], axis=1), abs=1e-3
    )


def test_the_offset_fades_outside_over_the_stated_frames():
    offset = off(with_(moved_by(20, 30), fade=3))[:, 0]
    assert offset[17:24] == pytest.approx([0, 10, 20, 30, 20, 10, 0], abs=1e-3)
    assert not offset[:17].any()
    assert not offset[24:].any()


def test_without_fading_nothing_but_the_frame_itself_changes():
    assert np.flatnonzero(off(with_(moved_by(20, 30), fade=0)).any(axis=1)).tolist() == [20]


def test_other_points_and_frames_out_of_reach_stay_to_the_bit():
    points = with_(moved_by(20, 30))
    rest = np.ones(DETECTED.shape[:2], bool)
    rest[14:27, WRIST] = False
    assert np.array_equal(points[rest], DETECTED[rest])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 132)), min_size=1, max_size=6, unique=True))
def test_deleting_a_correction_brings_the_detection_back_to_the_bit(places):
    items = [Correction(frame, point, 5.5, 7.25) for frame, point in places]
    before = DETECTED.copy()
    kept = with_(*items[1:])
    with_(*items)
    assert np.array_equal(with_(*items[1:]), kept)
    assert np.array_equal(with_(), before)
    assert np.array_equal(DETECTED, before)


def test_no_offset_is_carried_over_a_cut():
    offset = off(with_(moved_by(20, 30), cuts=(20,)))
    assert not offset[:20].any()
    assert offset[21].any()


def test_nothing_is_carried_from_or_to_what_was_not_seen_but_short_gaps_can_be_closed():
    detected = DETECTED.copy()
    detected[12:18, WRIST] = 0
    points = corrected(detected, Corrections((Correction(15, WRIST, 300, 200),), SIZE))
    assert np.array_equal(np.delete(points, 15, axis=0), np.delete(detected, 15, axis=0))
    closed, filled = fill_gaps(points, points[..., 2] >= 0.5, longest=3)
    assert np.flatnonzero(filled[:, WRIST]).tolist() == [12, 13, 14, 16, 17]
    assert (closed[:, WRIST, 2] == 1).all()


def test_a_correction_beyond_the_clip_is_refused_with_both_numbers():
    with pytest.raises(PassMismatch, match=r"of frame 40, but the clip has 40 frames \(0 to 39\)"):
        with_(Correction(40, WRIST, 1, 1))


@pytest.mark.parametrize(
    ("frame", "point", "x", "message"),
    [
        (-1, 0, 1.0, "frame -1, point 0"),
        (0, 133, 1.0, "points from 0 to 132"),
        (3, 9, np.nan, "left_wrist in frame 3"),
    ],
)
def test_a_correction_that_is_none_is_refused_with_its_numbers(frame, point, x, message):
    with pytest.raises(PassMismatch, match=message):
        Correction(frame, point, x, 0)


def test_two_corrections_of_one_point_and_frame_are_refused():
    with pytest.raises(PassMismatch, match="left_wrist has two corrections in frame 4"):
        Corrections((Correction(4, WRIST, 1, 2), Correction(4, WRIST, 3, 4)), SIZE)


# ---- Files -----------------------------------------------------------------------------------------------

numbers = st.floats(-1e6, 1e6)
anything = st.dictionaries(
    st.tuples(st.integers(0, 10**6), st.integers(0, 132)), st.tuples(numbers, numbers), max_size=8
)


@settings(max_examples=30, deadline=None)
@given(anything, st.integers(0, 1000))
def test_what_is_written_is_read_back_the_same(tmp_path_factory, places, fade):
    path = tmp_path_factory.mktemp("corrections") / "c.json"
    corrections = Corrections(tuple(Correction(*at, *xy) for at, xy in places.items()), SIZE, fade)
    write_corrections(path, corrections)
    assert read_corrections(path) == corrections


def test_a_process_of_its_own_reads_the_same(tmp_path):
    path = tmp_path / "c.json"
    write_corrections(path, Corrections((Correction(3, WRIST, 1.25, 1e-7), Correction(1, 0, 5, 6)), SIZE, 9))
    assert corrections_isolated(path) == read_corrections(path)
    path.write_text("[")
    with pytest.raises(UnsupportedMedia, match=r"c\.json is not JSON"):
        corrections_isolated(path)


def test_points_go_by_name_or_number():
    entries = [{"frame": 1, "point": "left_wrist", "x": 1, "y": 2}, {"frame": 2, "point": 9, "x": 1, "y": 2}]
    assert [item.point for item in parse_corrections(OWN | {"corrections": entries}, "c").items] == [9, 9]


@pytest.mark.parametrize(
    "entry",
    [7, {}, {"frame": 1, "point": "left_wirst", "x": 1, "y": 2}, {"frame": 1.5, "point": 9, "x": 1, "y": 2},
     {"frame": True, "point": 9, "x": 1, "y": 2}, {"frame": 1, "point": 9, "x": "1", "y": 2},
     {"frame": 1, "point": 9, "x": 10**400, "y": 2}],
)  # fmt: skip
def test_an_entry_of_the_wrong_kind_is_named_by_its_number(entry):
    good = {"frame": 0, "point": 9, "x": 1, "y": 2}
    with pytest.raises(PassMismatch, match="Correction 1 is not a frame"):
        parse_corrections(OWN | {"corrections": [good, entry]}, "c.json")


@pytest.mark.parametrize(
    "document",
    [7, {}, OWN, OWN | {"version": 2, "corrections": []}, OWN | {"corrections": [], "fade_frames": "6"}],
)
def test_a_document_without_corrections_is_refused_by_name(document):
    with pytest.raises(UnsupportedMedia, match=r"c\.json"):
        parse_corrections(document, "c.json")


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=5), lambda i: st.lists(i, max_size=3)
    )
)
def test_any_entries_give_corrections_or_a_clear_refusal(entries):
    try:
        parse_corrections(json.loads(json.dumps(OWN)) | {"corrections": entries}, "c.json")
    except (MediaError, RequestError):
        return
    assert entries == []


# ---- For a request


def test_a_ranges_corrections_count_from_its_start_and_scale_with_the_clip():
    own = Corrections((Correction(3, WRIST, 64, 36), Correction(12, WRIST, 10, 20)), SIZE, 4)
    assert own.cut(FrameRange(10, 20)) == Corrections((Correction(2, WRIST, 10, 20),), SIZE, 4)
    half = own.scaled_to(FrameSize(320, 180))
    assert half.items[0] == Correction(3, WRIST, 32, 18)
    assert half.fade_frames == 4


def test_corrections_are_told_by_what_they_say():
    one, other = Correction(3, WRIST, 64, 36), Correction(4, WRIST, 64, 36)
    assert Corrections((one, other), SIZE).sha256() == Corrections((other, one), SIZE).sha256()
    others = [
        Corrections((one,), SIZE),
        Corrections((other,), SIZE),
        Corrections((one,), SIZE, 5),
        Corrections((one,), FrameSize(64, 36)),
    ]
    assert len({each.sha256() for each in others}) == 4


FILM = Fraction(24)


def test_a_short_gap_beside_a_correction_is_filled_and_no_other():
    lost = DETECTED.copy()
    lost[10:16, WRIST, 2] = 0  # six frames: too long to be filled by itself
    lost[30:32, WRIST, 2] = 0
    at = [moved_by(frame, 0) for frame in (13,)]
    result = put_right(lost, Corrections(tuple(at), SIZE), FILM)
    assert (result[10:16, WRIST, 2] == 1).all()
    assert result[10:16, WRIST, :2] == pytest.approx(DETECTED[10:16, WRIST, :2], abs=1)
    assert not result[30:32, WRIST, 2].any()
    others = np.delete(np.arange(133), WRIST)
    assert np.array_equal(result[:, others], lost[:, others])


def test_gaps_over_a_cut_or_of_frames_without_anybody_stay():
    lost = DETECTED.copy()
    lost[10:12] = 0
    right = Corrections((moved_by(9, 0), moved_by(12, 0)), SIZE)
    assert put_right(lost, right, FILM)[10:12, WRIST].all()
    assert not put_right(lost, right, FILM, cuts=[11])[10:12].any()
    empty = np.arange(40) // 2 == 5
    assert not put_right(lost, right, FILM, empty=empty)[10:12].any()
