from __future__ import annotations

import pytest

from understudy_engine.errors import PassMissing
from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.people.cast import Cast, name_people
from understudy_engine.preprocess.people.choose import choose
from understudy_engine.preprocess.people.tracks import Track
from understudy_engine.types import Clicked, FrameRange, Largest, Named

FIRST, SECOND = FrameRange(0, 10), FrameRange(10, 20)


def track(frames: range, x: float, *, height: float = 100) -> Track:
    return {frame: Person(x, 0, x + 40, height, 0.9) for frame in frames}


TALL = track(range(10), 0, height=200)
SHORT = track(range(10), 30)
LATER = track(range(10, 14), 60)
AFTER = track(range(15, 20), 90, height=50)


@pytest.fixture
def cast() -> Cast:
    """A is TALL, B SHORT, C LATER, D AFTER."""
    return name_people({FIRST: [SHORT, TALL], SECOND: [AFTER, LATER]})


def test_the_largest_of_each_shot_is_meant_and_who_is_seen_while_they_are_not(cast: Cast) -> None:
    assert choose(cast, Largest()) == {**TALL, **LATER, **AFTER}


def test_who_is_there_beside_the_largest_is_never_taken_for_them() -> None:
    stays = track(range(10), 0, height=200)
    longer = track(range(5, 15), 80)
    assert choose(name_people({FrameRange(0, 15): [stays, longer]}), Largest()) == stays


def test_people_are_chosen_by_name_in_one_shot_or_in_several(cast: Cast) -> None:
    assert choose(cast, Named(("B",))) == SHORT
    assert choose(cast, Named(("a", "C"))) == {**TALL, **LATER}


def test_people_are_chosen_by_a_click_through_their_shot(cast: Cast) -> None:
    assert choose(cast, Clicked(3, 50, 90)) == SHORT
    assert choose(cast, Clicked(3, 35, 150)) == TALL


def test_of_two_boxes_that_hold_the_click_it_is_the_one_in_whose_middle_it_lies(cast: Cast) -> None:
    assert choose(cast, Clicked(3, 36, 50)) == SHORT
    assert choose(cast, Clicked(3, 31, 98)) == TALL


def test_a_click_counts_the_clips_frames_where_only_a_range_was_looked_through(cast: Cast) -> None:
    assert choose(cast, Clicked(103, 50, 90), start=100) == SHORT
    with pytest.raises(PassMissing, match="of frame 3"):
        choose(cast, Clicked(3, 50, 90), start=100)


@pytest.mark.parametrize("click", [Clicked(3, 300, 50), Clicked(14, 65, 50), Clicked(99, 5, 5)])
def test_a_click_on_nobody_says_what_to_do(cast: Cast, click: Clicked) -> None:
    with pytest.raises(PassMissing, match=r"Nobody was found at \d+, \d+ of frame \d+\. Click on a person"):
        choose(cast, click)


def test_an_unknown_name_is_told_with_the_known_ones(cast: Cast) -> None:
    with pytest.raises(PassMissing, match=r"Nobody in the clip is named E; found were: A, B, C, D\."):
        choose(cast, Named(("E",)))


def test_in_a_clip_without_anybody_the_largest_is_nowhere() -> None:
    assert choose(name_people({FIRST: []}), Largest()) == {}
