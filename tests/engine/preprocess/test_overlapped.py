"""Frames that are read ahead and looked at side by side."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from tests.support.people import ALONE, TWO, Frames, plate_of, studio_clip
from tests.support.waiting import PATIENCE_S
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.overlapped import overlapped
from understudy_engine.preprocess.perceive import FoundPerson
from understudy_engine.preprocess.second_look import Foresight, SecondLook

COUNT = 12


def clip() -> Frames:
    """Frame k is k bright."""
    return Frames(np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8))


@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_seen_comes_in_the_frames_order_though_some_take_longer(workers: int) -> None:
    def look(index: int, rgb: np.ndarray) -> tuple[int, int]:
        time.sleep(0.01 if index % 3 == 0 else 0)
        return index, int(rgb[0, 0, 0])

    source, wanted = clip(), [0, 1, 2, 5, 6, 11]
    assert list(overlapped(source, look, wanted, workers)) == [(k, k) for k in wanted]
    assert source.reads == wanted


def test_frames_are_looked_at_side_by_side_and_no_further_ahead_than_that() -> None:
    meet = threading.Barrier(2, timeout=PATIENCE_S)
    source = clip()

    def look(index: int, rgb: np.ndarray) -> int:
        meet.wait()  # nobody passes alone
        return index

    for index in overlapped(source, look, range(COUNT), 2):
        assert len(source.reads) <= index + 4


def test_who_leaves_finds_every_thread_gone() -> None:
    before = threading.active_count()
    found = overlapped(clip(), lambda index, rgb: index, range(COUNT), 3)
    assert next(found) == 0
    found.close()
    assert threading.active_count() <= before  # others may have ended meanwhile


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_comes_in_its_frames_turn(workers: int) -> None:
    def look(index: int, rgb: np.ndarray) -> int:
        if index == 4:
            raise ValueError("frame 4")
        return index

    found, seen = overlapped(clip(), look, range(COUNT), workers), list[int]()
    with pytest.raises(ValueError, match="frame 4"):
        seen.extend(iter(found))
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", [ALONE, TWO])
def test_a_person_looked_for_side_by_side_is_the_one_of_one_frame_at_a_time(seed: int) -> None:
    plate = plate_of(studio_clip(seed, 5))
    alone, together = (FoundPerson(Frames(plate), NetFolder(threads=n), cuts=True) for n in (1, 3))
    for person in (alone, together):
        list(person.look())
    for index in range(5):
        np.testing.assert_array_equal(alone[index].points, together[index].points)
        a, b = alone[index].matte, together[index].matte
        assert (a is None) == (b is None)
        assert a is None or b is None or np.array_equal(a.laid_back(alone.size), b.laid_back(alone.size))


def test_foresight_knows_the_largest_and_forgets_whom_nobody_asks_for() -> None:
    nets = NetFolder(threads=1).load()
    rgb = plate_of(studio_clip(ALONE, 5))[0]
    foresight = Foresight(SecondLook(nets, cuts=False, reference_bgr=False))
    largest, other = nets.detector.find(rgb)[0], nets.detector.find(rgb)[0]._replace(x1=60.0)
    foresight.see(0, rgb, [other, largest])
    foresight.see(1, rgb, [largest])
    near = foresight.of({0: largest, 1: other, 2: other})
    assert list(near) == [0]
    np.testing.assert_array_equal(near[0].points, nets.pose.find(rgb, largest))
    assert foresight.of({1: largest}) == {}
