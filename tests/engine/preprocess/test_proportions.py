import numpy as np
import pytest

from tests.engine.preprocess.bodies import standing_person, walking
from understudy_engine.errors import PassMismatch
from understudy_engine.preprocess.draw import draw_skeleton
from understudy_engine.preprocess.joints import LIMBS
from understudy_engine.preprocess.keypoints import Skeleton, skeleton_of
from understudy_engine.preprocess.overlay import DRIVER, overlay
from understudy_engine.preprocess.proportions import PARTS, proportioned
from understudy_engine.preprocess.retarget import in_clip, measure, retarget
from understudy_engine.types import FrameSize, LimbFactors

SIZE = FrameSize(400, 400)
CLIP = [skeleton_of(points) for points in walking(4, SIZE).points]
CHARACTER = skeleton_of(standing_person(SIZE))


def lengths(skeleton: Skeleton) -> np.ndarray:
    ends = np.array(LIMBS)
    return np.hypot(*(skeleton.body[ends[:, 0], :2] - skeleton.body[ends[:, 1], :2]).T)


def same(a: list[Skeleton], b: list[Skeleton]) -> bool:
    return all(
        np.array_equal(x, y) for one, other in zip(a, b, strict=True) for x, y in zip(one, other, strict=True)
    )


def test_factors_of_one_change_nothing_to_the_bit_in_replace_and_animate():
    assert same(list(proportioned(CLIP, LimbFactors())), CLIP)
    plain = list(retarget(CLIP, SIZE, CHARACTER, SIZE))
    assert same(list(retarget(CLIP, SIZE, CHARACTER, SIZE, factors=LimbFactors())), plain)


@pytest.mark.parametrize("part", ["arms", "legs", "torso", "head"])
@pytest.mark.parametrize("way", ["replace", "animate"])
def test_a_factor_changes_the_length_of_its_own_part_alone(part, way):
    factors = LimbFactors(**{part: 1.25})
    if way == "replace":
        before, after = CLIP, list(proportioned(CLIP, factors))
    else:
        before, after = (
            list(retarget(CLIP, SIZE, CHARACTER, SIZE, factors=f)) for f in (LimbFactors(), factors)
        )
    expected = np.where(np.array(PARTS) == part, 1.25, 1.0)
    for old, new in zip(before, after, strict=True):
        assert lengths(new) / lengths(old) == pytest.approx(expected, rel=1e-6)


def test_longer_legs_stand_on_the_same_ground():
    for old, new in zip(CLIP, proportioned(CLIP, LimbFactors(legs=1.4)), strict=True):
        assert new.body[[10, 13], 1].max() == pytest.approx(old.body[[10, 13], 1].max())
        assert new.body[0, 1] < old.body[0, 1] - 20  # the head is higher


def test_where_the_feet_are_not_seen_the_body_stays_on_the_level_of_its_neighbours():
    clip = walking(4, SIZE)
    clip.points[1:3, [15, 16], 2] = 0.2
    clip.points[1:3, [15, 16], 1] = 9
    heads = [s.body[0, 1] for s in proportioned([skeleton_of(p) for p in clip.points], LimbFactors(legs=1.4))]
    assert np.ptp(heads) < 1e-3


def test_without_any_feet_the_neck_stays():
    clip = walking(2, SIZE)
    clip.points[:, [15, 16], 2] = 0
    for points, new in zip(
        clip.points, proportioned([skeleton_of(p) for p in clip.points], LimbFactors(legs=2)), strict=True
    ):
        assert np.array_equal(new.body[1, :2], skeleton_of(points).body[1, :2])


def test_hands_grow_about_wrists_that_longer_arms_carry_away():
    for old, new in zip(CLIP, proportioned(CLIP, LimbFactors(arms=1.2, hands=1.5)), strict=True):
        for hand, wrist in (("left_hand", 7), ("right_hand", 4)):
            reach = getattr(new, hand)[:, :2] - new.body[wrist, :2]
            assert reach == pytest.approx((getattr(old, hand)[:, :2] - old.body[wrist, :2]) * 1.5, abs=1e-3)


def test_retargeted_hands_take_their_factor():
    plain, large = (
        next(retarget(CLIP, SIZE, CHARACTER, SIZE, factors=LimbFactors(hands=f))).left_hand for f in (1, 2)
    )
    assert np.ptp(large[:, 1]) == pytest.approx(2 * np.ptp(plain[:, 1]), abs=2)  # whole pixels


def test_broad_shoulders_do_not_make_large_hands():
    plain, broad = (
        next(retarget(CLIP, SIZE, CHARACTER, SIZE, factors=LimbFactors(torso=f))).left_hand for f in (1, 1.5)
    )
    assert np.ptp(broad[:, 1]) == pytest.approx(np.ptp(plain[:, 1]), abs=1)


@pytest.mark.parametrize("factor", [0.0, 0.2, 4.5, float("nan"), -1])
def test_a_factor_out_of_its_range_is_refused_with_the_number(factor):
    with pytest.raises(
        PassMismatch, match=rf"factor of the legs is {factor}; limbs can be made 0.25 to 4 times"
    ):
        LimbFactors(legs=factor)


# ---- The picture to judge them by --------------------------------------------------------------------------

GREY = np.full((400, 400, 3), 100, np.uint8)


def test_an_overlay_shows_both_skeletons_over_the_darkened_frame():
    followed = next(proportioned(CLIP, LimbFactors(arms=1.5)))
    picture = overlay(GREY, CLIP[0], followed)
    lines = draw_skeleton(followed, SIZE)
    assert np.array_equal(picture[lines.any(axis=2)], lines[lines.any(axis=2)])
    own = draw_skeleton(CLIP[0], SIZE).any(axis=2) & ~lines.any(axis=2)
    assert (picture[own] == DRIVER).all(axis=1).mean() > 0.9
    assert (picture[0, 0] == 45).all()
    assert (GREY == 100).all()


def test_a_retargeted_skeleton_is_laid_over_the_clip_with_its_neck_on_the_drivers():
    small = FrameSize(200, 200)
    character = skeleton_of(standing_person(small))
    plan = measure(CLIP[0].body, SIZE, character.body, small)
    for driver, moved in zip(CLIP, retarget(CLIP, SIZE, character, small), strict=True):
        placed = in_clip(plan, moved)
        assert placed.body[1, :2] == pytest.approx(driver.body[1, :2], abs=1e-3)
        assert lengths(placed) == pytest.approx(lengths(driver), rel=1e-2)
