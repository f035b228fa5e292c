from __future__ import annotations

from collections.abc import Mapping

from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.people.filling import (
    BRIDGED_FRAMES,
    LENGTHENED_FRAMES,
    REACH_FRAMES,
    filled,
)
from understudy_engine.preprocess.people.survey import sure_people


def at(x: float, score: float = 0.9) -> Person:
    return Person(x, 50, x + 40, 150, score)


def walks(frames: Mapping[int, Person]) -> dict[int, float]:
    return {frame: box.x0 for frame, box in frames.items()}


def test_an_unsure_box_where_somebody_walks_along_is_theirs() -> None:
    [track] = filled([{0: at(0), 3: at(30)}], {1: [at(12, 0.2)], 2: [at(200, 0.3)]})
    assert walks(track) == {0: 0, 1: 12, 3: 30}


def test_a_track_goes_on_over_unsure_boxes_before_its_first_and_behind_its_last() -> None:
    sure = 2 + LENGTHENED_FRAMES
    unsure = {frame: [at(10 * frame, 0.2)] for frame in range(2 * sure)}
    [track] = filled([{sure: at(10 * sure), sure + 1: at(10 * sure + 10)}], unsure)
    assert walks(track) == {frame: 10 * frame for frame in range(2, 2 * sure)}  # and not without end


def test_nothing_is_looked_for_long_after_somebody_was_last_seen() -> None:
    late = 1 + REACH_FRAMES + 1
    assert filled([{0: at(0), 1: at(0)}], {late: [at(0, 0.2)]}) == [{0: at(0), 1: at(0)}]
    apart = {0: at(0), BRIDGED_FRAMES + 1: at(0)}
    assert filled([apart], {BRIDGED_FRAMES // 2: [at(0, 0.2)]}) == [apart]


def test_a_box_is_taken_once_and_the_longer_track_chooses_first() -> None:
    long, short = {0: at(0), 2: at(0), 3: at(0)}, {0: at(10), 2: at(10)}
    assert [1 in track for track in filled([short, long], {1: [at(4, 0.2)]})] == [False, True]


def test_of_boxes_that_overlap_by_half_others_count_only_where_the_detector_is_very_sure() -> None:
    near, far = at(8), at(100, 0.5)
    assert sure_people([at(0), near._replace(score=0.8), far]) == [at(0), near._replace(score=0.8), far]
    assert sure_people([at(0), near._replace(score=0.6), far]) == [at(0), far]
