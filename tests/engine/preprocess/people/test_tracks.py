from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.people.appearance import BANDS, BINS
from understudy_engine.preprocess.people.tracks import follow
from understudy_engine.preprocess.people.walker import Seen

RED, BLUE = 2, 9


def at(x: float, dress: int = RED, *, alone: bool = True) -> Seen:
    """Somebody 40 px wide and 100 px high, all in one colour."""
    looks = np.zeros((BANDS, 3, BINS), np.uint8)
    looks[:, :, dress] = 255
    return Seen(Person(x, 50, x + 40, 150, 0.9), looks, alone)


def followed(*frames: Sequence[Seen]) -> list[dict[int, float]]:
    """Of each track, where its box begins in each frame."""
    tracks = follow(enumerate(frames))
    return [{frame: box.x0 for frame, box in track.items()} for track in tracks]


def test_everybody_keeps_their_track_in_whatever_order_they_are_found() -> None:
    frames = [[at(10 * k), at(200 - 5 * k, BLUE)][:: 1 - 2 * (k % 2)] for k in range(6)]
    assert followed(*frames) == [{k: 10 * k for k in range(6)}, {k: 200 - 5 * k for k in range(6)}]


def test_who_is_missed_for_some_frames_is_expected_where_they_would_have_walked() -> None:
    walk = [[at(10 * k)] for k in range(8)]
    walk[4] = walk[5] = []
    assert followed(*walk) == [{k: 10 * k for k in (0, 1, 2, 3, 6, 7)}]


def test_two_who_cross_keep_their_tracks_by_what_they_look_like() -> None:
    left = [
        [at(15 * k, RED, alone=abs(k - 4) > 1), at(120 - 15 * k, BLUE, alone=abs(k - 4) > 1)]
        for k in range(9)
    ]
    left[4] = [at(60, RED, alone=False)]  # one box where both are
    red, blue = followed(*left)
    assert red == {k: 15 * k for k in range(9)}
    assert blue == {k: 120 - 15 * k for k in range(9) if k != 4}


def test_two_who_look_alike_cross_by_how_they_move() -> None:
    frames = [[at(15 * k, alone=False), at(135 - 15 * k, alone=False)] for k in range(10)]
    assert followed(*frames) == [{k: 15 * k for k in range(10)}, {k: 135 - 15 * k for k in range(10)}]


def test_who_comes_back_elsewhere_is_known_by_their_looks() -> None:
    away = [[at(200, BLUE)] for _ in range(10)]
    [red, blue] = followed([at(0), at(200, BLUE)], *away, [at(70), at(200, BLUE)])
    assert red == {0: 0, 11: 70}
    assert len(blue) == 12


def test_somebody_else_who_comes_later_is_not_taken_for_who_left() -> None:
    empty: list[list[Seen]] = [[] for _ in range(10)]
    assert followed([at(0)], *empty, [at(20, BLUE)]) == [{0: 0}, {11: 20}]


def test_nobody_comes_back_faster_than_a_person_moves() -> None:
    far = 2000
    empty: list[list[Seen]] = [[] for _ in range(5)]
    assert len(followed([at(0)], *empty, [at(far)])) == 2


def test_a_shot_without_anybody_has_no_tracks() -> None:
    assert followed([], [], []) == []
    assert followed() == []


def test_a_track_knows_the_clips_frames() -> None:
    [track] = follow([(40, [at(0)]), (41, [at(5)])])
    assert list(track) == [40, 41]
