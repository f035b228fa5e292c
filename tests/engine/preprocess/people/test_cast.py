from __future__ import annotations

from itertools import islice

from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.people.cast import name_people, names
from understudy_engine.types import FrameRange

SHOT = FrameRange(0, 10)


def box(x: float, width: float = 40, score: float = 0.9) -> Person:
    return Person(x, 0, x + width, 100, score)


def test_names_follow_size_and_then_who_is_seen_first() -> None:
    small, large = {1: box(0), 2: box(0)}, {frame: box(60) for frame in range(5, 9)}
    as_small = {0: box(120), 3: box(130)}
    members = name_people({SHOT: [small, large, as_small]}).members
    assert [(one.name, one.boxes) for one in members] == [("A", large), ("B", as_small), ("C", small)]


def test_after_z_comes_aa() -> None:
    assert list(islice(names(), 24, 29)) == ["Y", "Z", "AA", "AB", "AC"]


def test_a_member_tells_when_they_are_seen() -> None:
    [member] = name_people({SHOT: [{2: box(0), 3: box(0), 7: box(0)}]}).members
    assert (member.first, member.last, member.frames_seen, member.shot) == (2, 7, 3, SHOT)


def test_the_thumbnail_shows_the_person_large_and_alone() -> None:
    one = {0: box(0, 30), 1: box(0, 50), 2: box(0, 90)}
    other = {2: box(60, 90)}
    [_, member] = name_people({SHOT: [one, {**other, 3: box(60, 900)}]}).members
    assert member.shown_in == 1
    assert member.thumbnail == one[1]


def test_where_nobody_is_ever_alone_the_largest_box_is_shown() -> None:
    one, other = {0: box(0, 40), 1: box(0, 50)}, {0: box(10, 40), 1: box(10, 40)}
    assert name_people({SHOT: [one, other]}).members[0].shown_in == 1
