from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engine.preprocess.bodies import standing_person, walking
from understudy_engine.preprocess.keypoints import Keypoints, Skeleton, skeleton_of
from understudy_engine.preprocess.retarget import retarget
from understudy_engine.types import FrameSize

SIZE = FrameSize(400, 400)


def moved(
    clip: Keypoints, character: NDArray[Any], character_size: FrameSize = SIZE, **options: Any
) -> list[Skeleton]:
    skeletons = [skeleton_of(points) for points in clip.points]
    return list(retarget(skeletons, clip.size, skeleton_of(character), character_size, **options))


def test_a_character_of_the_same_body_moves_as_the_clip_does():
    clip = walking(3, SIZE)
    for skeleton, points in zip(moved(clip, standing_person(SIZE)), clip.points, strict=True):
        body = skeleton_of(points).body
        difference = skeleton.body[:, :2] - body[:, :2]
        assert np.abs(difference - difference[0]).max() < 1e-3  # the whole body stands a little higher
        assert np.abs(difference[:, 0]).max() < 1e-3


def test_a_character_of_another_size_is_led_in_its_own_picture():
    small = FrameSize(200, 200)
    skeleton = moved(walking(1, SIZE), standing_person(small), small)[0]
    body = skeleton_of(standing_person(small)).body
    assert np.abs(skeleton.body[:, 0] - body[:, 0]).max() < 0.1


def test_long_arms_stay_long():
    character = standing_person(SIZE)
    for shoulder, arm in ((5, [7, 9]), (6, [8, 10])):
        character[arm, :2] += (character[arm, :2] - character[shoulder, :2]) * 0.5
    plain, long = (moved(walking(1, SIZE), body)[0].body for body in (standing_person(SIZE), character))
    reach = [np.hypot(*(body[7, :2] - body[5, :2])) for body in (plain, long)]
    assert reach[1] == pytest.approx(1.5 * reach[0], rel=1e-3)


def test_hands_hang_on_their_wrists_and_uncertain_points_are_dropped():
    clip = walking(2, SIZE)
    clip.points[:, 95, 2] = 0.39
    for skeleton in moved(clip, standing_person(SIZE)):
        assert np.abs(skeleton.left_hand[0, :2] - skeleton.body[7, :2]).max() <= 1
        assert np.abs(skeleton.right_hand[0, :2] - skeleton.body[4, :2]).max() <= 1
        assert np.isnan(skeleton.left_hand[4, :2]).all()
        assert skeleton.left_hand[4, 2] == 0
        assert np.isfinite(skeleton.right_hand).all()


def test_a_hand_without_a_root_keeps_its_place_at_the_wrist():
    clip = walking(1, SIZE)
    whole = moved(clip, standing_person(SIZE))[0].left_hand
    clip.points[0, 91, 2] = 0.1
    assert np.abs(moved(clip, standing_person(SIZE))[0].left_hand[1:] - whole[1:]).max() <= 1


def test_the_reference_names_the_hands_the_wrong_way_round():
    ours, theirs = (moved(walking(1, SIZE), standing_person(SIZE), as_reference=a)[0] for a in (False, True))
    assert np.array_equal(ours.left_hand, theirs.right_hand)
    assert np.array_equal(ours.right_hand, theirs.left_hand)


def test_a_bone_of_no_length_gives_numbers_all_the_same():
    clip = walking(1, SIZE)
    clip.points[0, 7] = clip.points[0, 5]
    assert np.isfinite(moved(clip, standing_person(SIZE))[0].body).all()
