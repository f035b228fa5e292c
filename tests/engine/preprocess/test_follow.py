from __future__ import annotations

from collections.abc import Callable

import pytest

from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.follow import FORGET_FRAMES, Follower, overlap


def at(x: float, *, width: float = 40, height: float = 100) -> Person:
    return Person(x, 50, x + width, 50 + height, 0.9)


def never(person: Person) -> float:
    raise AssertionError("there is no doubt to ask about")


def following(first: Person, *others: Person) -> Callable[..., Person | None]:
    """A follower that has chosen *first*; takes the people of the next frame."""
    follower = Follower()
    assert follower.next([*others, first], never) == first
    return lambda *people, distance=never: follower.next(people, distance)


def test_overlap_is_what_two_boxes_share() -> None:
    assert overlap(at(0), at(0)) == 1
    assert overlap(at(0), at(20)) == pytest.approx(20 / 60)
    assert overlap(at(0), at(40)) == 0


def test_the_largest_is_taken_at_first_sight_and_kept_when_another_becomes_larger() -> None:
    small = at(200, width=20, height=50)
    follow = following(at(0), small)
    assert follow(at(5), at(190, width=80, height=200)) == at(5)


def test_before_anybody_is_there_nobody_is_followed() -> None:
    follower = Follower()
    assert follower.next([], never) is None
    assert follower.next([at(3)], never) == at(3)


def test_who_leaves_is_not_taken_for_the_one_who_stays() -> None:
    follow = following(at(0), at(100, height=90))
    assert follow(at(104, height=90)) is None
    assert follow(at(108, height=90)) is None


def test_who_comes_back_is_followed_again_wherever_they_come_in() -> None:
    follow = following(at(0), at(100, height=90))
    for _ in range(3):
        assert follow(at(100, height=90)) is None
    assert follow(at(100, height=90), at(300)) == at(300)
    assert follow(at(310), at(100, height=90)) == at(310)


def test_somebody_whom_the_detector_misses_for_some_frames_is_still_not_the_one() -> None:
    follow = following(at(0), at(100, height=90))
    for _ in range(FORGET_FRAMES - 1):
        assert follow() is None
    assert follow(at(103, height=90)) is None


def test_who_is_hidden_by_somebody_passing_in_front_is_not_there_meanwhile() -> None:
    follow = following(at(0), at(30, height=95))
    passing = at(20, height=95)  # one box where both are, nearer to where the other was
    assert follow(passing) is None
    assert follow(at(2), at(10, height=95), distance=lambda person: abs(person.x0 - 2)) == at(2)


def test_where_two_stand_in_the_same_place_their_points_decide() -> None:
    follow = following(at(0), at(20, height=95))
    # Both have moved ten pixels towards each other: the boxes say nothing.
    found = follow(at(10), at(11, height=95), distance=lambda person: 1 if person.x0 == 11 else 8)
    assert found == at(11, height=95)
