from __future__ import annotations

import numpy as np

from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.people.appearance import UNKNOWN, appearance_of, mixed, unlike

BOX = Person(20, 20, 60, 100, 0.9)


def picture(*stripes: tuple[int, int, int]) -> np.ndarray:
    """(120, 120, 3) grey; in BOX the colours from above to below."""
    frame = np.full((120, 120, 3), 128, np.uint8)
    for part, colour in zip(np.array_split(np.arange(20, 100), len(stripes)), stripes, strict=True):
        frame[part, 20:60] = colour
    return frame


RED, BLUE = (200, 20, 20), (20, 20, 200)


def test_the_same_colours_in_the_same_places_are_alike() -> None:
    large = picture(RED, BLUE).repeat(3, axis=0).repeat(3, axis=1)
    there = appearance_of(large, Person(60, 60, 180, 300, 0.9))
    assert unlike(appearance_of(picture(RED, BLUE), BOX), there) < 0.01


def test_the_same_colours_elsewhere_on_the_body_are_not() -> None:
    assert unlike(appearance_of(picture(RED, BLUE), BOX), appearance_of(picture(BLUE, RED), BOX)) > 0.9


def test_what_another_ones_box_covers_does_not_count() -> None:
    alone = appearance_of(picture(RED), BOX)
    frame = picture(RED)
    frame[20:100, 45:60] = BLUE
    passing = Person(45, 0, 90, 110, 0.9)
    assert unlike(alone, appearance_of(frame, BOX, [passing])) == 0
    assert unlike(alone, appearance_of(frame, BOX)) > 0.1


def test_who_is_hidden_is_neither_alike_nor_unlike() -> None:
    hidden = appearance_of(picture(RED), BOX, [Person(0, 0, 120, 120, 0.9)])
    assert unlike(hidden, appearance_of(picture(RED), BOX)) == UNKNOWN
    assert np.array_equal(
        mixed(appearance_of(picture(RED), BOX), hidden, 0.5), appearance_of(picture(RED), BOX)
    )


def test_a_box_at_the_pictures_edge_is_looked_at_as_far_as_it_is_in_it() -> None:
    for box in (Person(-30, -5, 20, 300, 0.9), Person(119, 119, 140, 140, 0.9)):
        assert appearance_of(picture(RED), box).any()
