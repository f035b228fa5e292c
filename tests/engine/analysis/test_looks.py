"""Looks through a clip take one frame at a time, and each frame once."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar, cast

import numpy as np
import pytest

from tests.support.people import TWO, Frames, plate_of, studio_clip
from understudy_engine.analysis.looks import KeptPerson, first_look, look_for_mattes, look_for_points
from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.estimate import MatteCutter, PoseEstimator
from understudy_engine.preprocess.nets import NetFolder, Nets
from understudy_engine.types import FrameRange, FrameSize

T = TypeVar("T")
BOX = Person(10, 10, 50, 60, 0.9)


@pytest.fixture(scope="module")
def nets() -> Nets:
    return NetFolder(threads=1).load()


@pytest.fixture
def clip() -> Frames:
    return Frames(np.zeros((4, 64, 64, 3), np.uint8))


def test_everybody_is_looked_for_in_one_reading(nets: Nets, clip: Frames) -> None:
    seen_before = [list(clip.reads) for _ in first_look(clip, nets.detector)]
    assert seen_before == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]


def test_points_and_mattes_are_looked_for_only_in_frames_with_a_box(nets: Nets, clip: Frames) -> None:
    assert isinstance(nets.pose, PoseEstimator)
    assert isinstance(nets.matte, MatteCutter)
    boxes = {1: BOX, 3: BOX}
    assert len(list(look_for_points(clip, boxes, nets.pose, reference_bgr=False))) == 4
    assert clip.reads == [1, 3]
    points, shots = np.zeros((4, 133, 3), np.float32), [FrameRange(0, 4)]
    assert len(list(look_for_mattes(clip, boxes, points, shots, nets.matte))) == 4
    assert clip.reads == [1, 3, 1, 3]


def test_frames_looked_at_side_by_side_show_the_same(nets: Nets) -> None:
    frames = plate_of(studio_clip(TWO, 5, 128))

    def looks(at_once: int) -> list[Any]:
        clip = Frames(frames)
        there = returned(first_look(clip, nets.detector, at_once=at_once))
        boxes = {k: box for k, box in there.members[0].boxes.items() if k != 2}
        points = returned(look_for_points(clip, boxes, nets.pose, reference_bgr=False, at_once=at_once))
        mattes = returned(look_for_mattes(clip, boxes, points, there.shots, nets.matte, at_once=at_once))
        assert mattes[2] is None
        assert not points[2].any()
        whole = [None if matte is None else matte.laid_back(clip.size).tolist() for matte in mattes]
        return [there.members, points.tolist(), whole]

    assert looks(1) == looks(3)


def returned(looks: Generator[None, None, T]) -> T:
    while True:
        try:
            next(looks)
        except StopIteration as stop:
            return cast("T", stop.value)


def test_a_kept_person_is_absent_where_no_matte_or_no_point_was_found() -> None:
    raw = np.full((4, 133, 3), 0.5, np.float32)
    raw[1, :, 2] = 0
    there = np.array([True, True, False, True])
    person = KeptPerson(FrameSize(64, 64), raw, there, [FrameRange(0, 3), FrameRange(3, 4)])
    assert person.absent() == [1, 2]
    assert person.cuts() == [3]
    assert not person[2].points.any()
    assert person[3].points[:, 2] == pytest.approx(0.5 / 0.7)
