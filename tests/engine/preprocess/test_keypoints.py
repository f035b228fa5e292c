import numpy as np
import pytest

from tests.engine.preprocess.bodies import standing_person, walking
from understudy_engine.errors import PassMismatch
from understudy_engine.preprocess.keypoints import Keypoints, on_canvas, skeleton_of
from understudy_engine.preprocess.sizing import Box, Fit
from understudy_engine.types import FrameRange, FrameSize

SIZE = FrameSize(100, 100)


def test_the_neck_lies_between_the_shoulders_with_their_mean_score():
    points = standing_person(SIZE)
    points[5, 2], points[6, 2] = 0.4, 0.8
    neck = skeleton_of(points).body[1]
    assert neck == pytest.approx([50, 32, 0.6])


def test_without_a_shoulder_there_is_no_neck():
    points = standing_person(SIZE)
    points[6] = 0
    body = skeleton_of(points).body
    assert body[1, 2] == body[2, 2] == 0
    assert body[5, 2] == 1


def test_keypoints_of_another_count_are_refused_with_the_number():
    with pytest.raises(PassMismatch, match="17 points a frame; whole-body keypoints have 133") as refusal:
        Keypoints(np.zeros((4, 17, 3), np.float32), SIZE)
    assert refusal.value.facts == {"points": 17}


def test_a_point_that_is_no_number_is_named():
    points = walking(3, SIZE).points.copy()
    points[2, 17, 1] = np.nan
    with pytest.raises(PassMismatch, match="Point 17 of frame 2") as refusal:
        Keypoints(points, SIZE)
    assert refusal.value.facts == {"frame": 2, "point": 17}


def test_keypoints_follow_the_picture_onto_the_canvas():
    keypoints = walking(2, SIZE).scaled_to(FrameSize(200, 200))
    placed = on_canvas(keypoints.points, Fit(keypoints.size, FrameSize(64, 48), Box(8, 0, 48, 48)))
    assert placed[1, 0] == pytest.approx([8 + 51 * 0.48, 20 * 0.48, 1])


def test_a_cut_begins_at_its_first_frame_and_leaves_out_its_end():
    keypoints = walking(5, SIZE)
    assert np.array_equal(keypoints.cut(FrameRange(1, 3)).points, keypoints.points[1:3])
