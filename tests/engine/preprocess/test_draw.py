import numpy as np
import pytest

from tests.engine.preprocess.bodies import standing_person
from understudy_engine.preprocess.draw import draw_skeleton
from understudy_engine.preprocess.joints import COLOURS
from understudy_engine.preprocess.keypoints import skeleton_of
from understudy_engine.types import FrameSize

SIZE = FrameSize(320, 240)


def test_every_joint_has_its_colour():
    points = standing_person(SIZE)
    points[91:, 2] = 0  # hands would cover the wrists
    points[17:23] = 0  # the toes of each foot lie too near to each other
    skeleton = skeleton_of(points)
    picture = draw_skeleton(skeleton, SIZE)
    for joint in (0, 2, 3, 4, 6, 8, 9, 13):
        x, y = skeleton.body[joint, :2].astype(int)
        assert tuple(picture[y, x]) == COLOURS[joint]


def test_a_point_below_half_a_score_is_not_drawn():
    points = standing_person(SIZE)
    points[91:, 2] = points[17:23, 2] = 0
    without = draw_skeleton(skeleton_of(points * np.where(np.arange(133) == 9, 0, 1)[:, None]), SIZE)
    points[9, 2] = 0.49
    assert np.array_equal(draw_skeleton(skeleton_of(points), SIZE), without)
    points[9, 2] = 0.5
    assert (draw_skeleton(skeleton_of(points), SIZE) != without).any()


def test_nobody_gives_a_black_picture():
    picture = draw_skeleton(skeleton_of(np.zeros((133, 3))), SIZE)
    assert picture.shape == (240, 320, 3)
    assert not picture.any()


@pytest.mark.parametrize("place", [np.nan, np.inf, -1e12, 1e12, 40_000])
def test_points_that_cannot_be_drawn_are_left_out(place):
    points = standing_person(SIZE)
    missing = points.copy()
    points[[9, 100], 0] = place
    missing[[9, 100]] = 0
    drawn = [draw_skeleton(skeleton_of(p), SIZE) for p in (points, missing)]
    assert np.array_equal(drawn[0], drawn[1])


def test_the_face_is_not_drawn_but_for_nose_eyes_and_ears():
    points = standing_person(SIZE)
    without = points.copy()
    without[23:91] = 0
    assert np.array_equal(draw_skeleton(skeleton_of(points), SIZE), draw_skeleton(skeleton_of(without), SIZE))
