"""A found person's points through the clip, and what the model is given of them."""

from fractions import Fraction

import numpy as np

from tests.engine.preprocess.bodies import walking
from understudy_engine.preprocess.motion.corrections import Correction, Corrections
from understudy_engine.preprocess.motion.found import FoundMotion
from understudy_engine.preprocess.motion.smooth import smooth
from understudy_engine.preprocess.perceive import Sighting
from understudy_engine.types import FrameSize

SIZE = FrameSize(640, 640)
FILM = Fraction(24)


class Person:
    """Somebody who has been found."""

    def __init__(self, points: np.ndarray, cuts: tuple[int, ...] = ()) -> None:
        self.size = SIZE
        self._points = points
        self._cuts = cuts

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, index: int) -> Sighting:
        return Sighting(self._points[index], None)

    def cuts(self) -> list[int]:
        return list(self._cuts)


def detected() -> np.ndarray:
    points = walking(40, SIZE).points
    points[..., :2] += np.random.default_rng(0).normal(0, 1, (40, 133, 2))
    return points


def motion(points: np.ndarray, *cuts: int) -> FoundMotion:
    return FoundMotion(Person(points, cuts), FILM)


def test_what_is_found_is_smoothed_shot_by_shot():
    points = detected()
    assert np.array_equal(motion(points, 15).points, smooth(points, FILM, cuts=[15]).points)
    assert not np.array_equal(motion(points, 15).points, motion(points).points)


def test_a_point_that_flickers_is_filled_and_a_person_who_is_gone_is_not():
    points = detected()
    points[10:12, 9] = 0
    points[20] = 0
    result = motion(points)
    assert (result.points[10:12, 9, 2] == 1).all()
    assert not result.points[20].any()
    assert [index for index, crop in enumerate(result.face_crops) if crop is None] == [20]


def test_what_was_found_stays_as_it_was():
    points = detected()
    before = points.copy()
    assert not np.array_equal(motion(points).points, before)
    assert np.array_equal(points, before)


def test_a_correction_holds_exactly_behind_the_smoothing_and_leads_the_face_too():
    points, cuts = detected(), (15,)
    items = (Correction(20, 9, 1.5, 2.5), *(Correction(20, 23 + k, 300 + k, 100 + k % 9) for k in range(68)))
    person = Person(points, cuts)
    right = FoundMotion(person, FILM, Corrections(items, SIZE))
    plain = motion(points, *cuts)
    assert right.points[20, 9].tolist() == [1.5, 2.5, 1]
    assert np.array_equal(right.points[:15], plain.points[:15])
    assert right.face_crops[:15] == plain.face_crops[:15]
    assert right.face_crops[20] != plain.face_crops[20]
