"""A face's crop through a clip."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from tests.engine.preprocess.bodies import standing_person, walking
from understudy_engine.preprocess.face import Edges, crop_face, face_edges, reference_face_box
from understudy_engine.preprocess.keypoints import FACE
from understudy_engine.preprocess.motion.faces import FaceState, face_state, face_track
from understudy_engine.preprocess.sizing import Box
from understudy_engine.types import FrameSize

SIZE = FrameSize(640, 640)
FILM = Fraction(24)


def edges_of(points: np.ndarray) -> np.ndarray:
    return np.array([face_edges(frame[FACE]) for frame in points])


def from_behind(points: np.ndarray) -> np.ndarray:
    """Left and right of the body change places."""
    turned = points.copy()
    for left, right in ((1, 2), (3, 4), (5, 6), (11, 12)):
        turned[..., [left, right], :] = points[..., [right, left], :]
    return turned


def test_the_crop_loses_two_thirds_of_its_tremble_and_stays_where_the_face_is():
    truth = walking(48, SIZE).points
    found = truth.copy()
    found[:, FACE, :2] += np.random.default_rng(0).normal(0, 1, (48, 68, 2))
    track = face_track(found, SIZE, FILM)
    steady, before = np.array(track.crops), edges_of(found)
    tremble, was = (np.abs(np.diff(edges, 2, axis=0)).mean() for edges in (steady, before))
    assert tremble < was / 3
    assert np.abs(steady - before.mean(axis=0) - (edges_of(truth) - edges_of(truth).mean(axis=0))).mean() < 1
    assert set(track.states) == {FaceState.SEEN}


def test_a_head_that_is_thrown_about_stays_in_its_crop():
    truth = walking(48, SIZE).points
    truth[:, :, 0] = standing_person(SIZE)[:, 0] + 60 * np.sin(2 * np.pi * 3 * np.arange(48) / 24)[:, None]
    found = truth.copy()
    found[:, FACE, :2] += np.random.default_rng(0).normal(0, 1, (48, 68, 2))
    crops = np.array(face_track(found, SIZE, FILM).crops)
    assert np.abs(crops - edges_of(found)).max() < 0.1 * np.ptp(truth[0, FACE, 0])


def test_a_face_missed_for_a_moment_is_bridged_and_told():
    found = walking(30, SIZE).points
    whole = np.array(face_track(found, SIZE, FILM).crops)
    found[10:13, FACE, 2] = 0
    track = face_track(found, SIZE, FILM)
    assert [index for index, state in enumerate(track.states) if state is FaceState.BRIDGED] == [10, 11, 12]
    assert np.array(track.crops) == pytest.approx(whole, abs=0.1)


def test_a_face_missed_for_long_is_absent():
    found = walking(30, SIZE).points
    found[10:20, FACE, 2] = 0
    track = face_track(found, SIZE, FILM)
    assert [index for index, state in enumerate(track.states) if state is FaceState.ABSENT] == list(
        range(10, 20)
    )
    assert [crop is None for crop in track.crops] == [10 <= index < 20 for index in range(30)]


def test_a_face_turned_away_is_never_bridged():
    found = walking(30, SIZE).points
    found[10:13] = from_behind(found[10:13])
    track = face_track(found, SIZE, FILM)
    assert set(track.states[10:13]) == {FaceState.TURNED_AWAY}
    assert not any(track.crops[10:13])
    assert all(track.crops[:10] + track.crops[13:])


def test_the_back_of_a_head_is_told_by_ears_that_changed_sides_or_by_eyes_that_nobody_sees():
    person = standing_person(SIZE)
    assert face_state(person, SIZE) is FaceState.SEEN
    assert face_state(from_behind(person), SIZE) is FaceState.TURNED_AWAY
    person[:3, 2] = 0.1
    assert face_state(person, SIZE) is FaceState.TURNED_AWAY


def test_who_stands_on_their_hands_faces_us_all_the_same():
    person = standing_person(SIZE)
    person[:, :2] = np.array(SIZE) - person[:, :2]  # half a turn in the picture
    assert face_state(person, SIZE) is FaceState.SEEN
    assert face_state(from_behind(person), SIZE) is FaceState.TURNED_AWAY


def test_a_profile_with_one_ear_is_a_face():
    person = standing_person(SIZE)
    person[4, 2] = 0.1
    person[[3, 0, 1, 2], 0] = [300, 330, 325, 325]
    assert face_state(person, SIZE) is FaceState.SEEN


def test_nothing_is_carried_over_a_cut():
    one, other = walking(20, SIZE).points, walking(20, SIZE).points + np.array([200, 0, 0], np.float32)
    both = face_track(np.concatenate([one, other]), SIZE, FILM, cuts=[20])
    assert both.crops == face_track(one, SIZE, FILM).crops + face_track(other, SIZE, FILM).crops


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_short_clips_have_the_references_box(frames):
    points = walking(frames, SIZE).points
    for crop, frame in zip(face_track(points, SIZE, FILM).crops, points, strict=True):
        assert crop is not None
        box = reference_face_box(frame[FACE], SIZE)
        assert [int(edge) for edge in crop] == [box.x, box.y, box.x + box.width, box.y + box.height]


def test_a_clip_without_anybody_has_no_face():
    track = face_track(np.zeros((9, 133, 3), np.float32), SIZE, FILM)
    assert set(track.states) == {FaceState.ABSENT}
    assert set(track.crops) == {None}


# ---- Crops between pixels ----------------------------------------------------------------------------------


def smooth_picture(side: int = 400) -> np.ndarray:
    noise = np.random.default_rng(0).uniform(0, 255, (side, side, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 8)
    return np.clip((blurred - 127) * 8 + 127, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("side", [40, 64, 100, 200, 300])
def test_a_crop_at_whole_pixels_is_the_box_cut_out(side):
    picture = smooth_picture()
    ours = crop_face(picture, Edges(50, 60, 50 + side, 60 + side), 64)
    box = crop_face(picture, Box(50, 60, side, side), 64)
    assert np.abs(ours[2:-2, 2:-2].astype(int) - box[2:-2, 2:-2]).mean() < 3


def test_a_crop_moves_by_less_than_a_pixel():
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 200, axis=0).repeat(3, axis=2)
    means = [crop_face(ramp, Edges(40 + dx, 50, 80 + dx, 90), 64).mean() for dx in (0, 0.25, 0.5)]
    assert np.diff(means) == pytest.approx([0.25, 0.25], abs=0.05)
