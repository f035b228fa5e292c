"""nano's own nets on the studio's clips."""

from __future__ import annotations

from collections.abc import Generator
from typing import cast

import numpy as np
import pytest

from tests.support.people import (
    ALONE,
    TWO,
    Frames,
    agreement,
    empty_plate_of,
    matte_of,
    plate_of,
    points_of,
    studio_clip,
)
from understudy_engine.errors import PassMissing
from understudy_engine.preprocess.detect import Person, box_around, nearest_person
from understudy_engine.preprocess.first_look import standing_in
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.people.survey import sure_people
from understudy_engine.preprocess.perceive import (
    FoundMattes,
    FoundPerson,
)
from understudy_engine.types import Clicked, FrameSize, Named

FRAMES = 5


@pytest.fixture(scope="module")
def nets() -> NetFolder:
    return NetFolder(threads=1)


def found_mattes(person: FoundPerson) -> np.ndarray:
    return FoundMattes(person).read(range(len(person)))[..., 0]


def error_px(found: np.ndarray, truth: np.ndarray) -> float:
    """How far the points that both know lie apart, typically."""
    both = (found[:, 2] > 0.5) & (truth[:, 2] > 0)
    return float(np.median(np.linalg.norm(found[both, :2] - truth[both, :2], axis=1)))


def test_points_and_matte_are_found_where_the_person_is(nets: NetFolder) -> None:
    clip = studio_clip(ALONE, FRAMES)
    person = FoundPerson(Frames(plate_of(clip)), nets, cuts=True)
    looks = [f"{which}frame {frame} of 5" for which in ("first look, ", "") for frame in range(1, 6)]
    assert list(person.look()) == looks
    assert person.absent() == []
    for matte, truth in zip(found_mattes(person), matte_of(clip, 0), strict=True):
        assert agreement(matte, truth) > 0.93
    for index, truth in enumerate(points_of(clip, 0)):
        points = person[index].points
        assert error_px(points, truth) < 5
        assert 0 <= points[:, 2].min() < points[:, 2].max() <= 1
        outside = truth[:17, 2] == 0
        assert outside.any()  # legs
        assert points[:17, 2][outside].mean() < 0.5 < points[:17, 2][~outside].mean()


def test_one_of_two_people_is_followed_though_the_other_becomes_the_larger(nets: NetFolder) -> None:
    clip = studio_clip(TWO, FRAMES)
    plate = plate_of(clip)
    largest = [nearest_person(sure_people(nets.load().detector.find(frame))) for frame in plate]
    assert largest[0] is not None
    assert largest[-1] is not None
    assert abs(largest[0].x0 - largest[-1].x0) > 40  # they are not the same
    x, y = largest[0].middle.tolist()
    shows_only(0, FoundPerson(Frames(plate), nets, who=Clicked(0, x, y), cuts=True))


def test_unless_somebody_is_chosen_it_is_who_takes_up_most_of_the_clip(nets: NetFolder) -> None:
    plate = plate_of(studio_clip(TWO, FRAMES))
    shows_only(0, FoundPerson(Frames(plate), nets, cuts=True))


def test_people_are_chosen_by_name(nets: NetFolder) -> None:
    plate = plate_of(studio_clip(TWO, FRAMES))
    person = FoundPerson(Frames(plate), nets, who=Named(("B",)), cuts=True)
    assert [member.name for member in person.cast().members] == ["A", "B"]
    shows_only(1, person)


def shows_only(who: int, person: FoundPerson) -> None:
    """In all frames, of the two people of TWO."""
    one, other = (matte_of(studio_clip(TWO, FRAMES), k) for k in (who, 1 - who))
    for index, matte in enumerate(found_mattes(person)):
        assert agreement(matte, one[index]) > 0.7
        assert agreement(matte, other[index]) < 0.2


def test_a_name_that_nobody_has_is_told_with_those_that_there_are(nets: NetFolder) -> None:
    plate = plate_of(studio_clip(TWO, FRAMES))
    person = FoundPerson(Frames(plate), nets, who=Named(("D",)), cuts=True)
    with pytest.raises(PassMissing, match=r"Nobody in the clip is named D; found were: A, B\."):
        list(person.look())


def test_a_look_can_be_broken_off_and_goes_on_where_it_was(nets: NetFolder) -> None:
    source = Frames(plate_of(studio_clip(TWO, FRAMES)))
    person = FoundPerson(source, nets, who=Named(("B",)), cuts=True)
    look = cast("Generator[str]", person.look())
    assert [next(look), next(look)] == ["first look, frame 1 of 5", "first look, frame 2 of 5"]
    look.close()
    assert source.reads == [0, 1]
    assert person[0].matte is not None
    assert source.reads == [0, 1, 2, 3, 4, 0]


def test_a_person_is_not_followed_across_a_cut(nets: NetFolder) -> None:
    first, second = plate_of(studio_clip(ALONE, FRAMES)), plate_of(studio_clip(TWO, FRAMES))
    person = FoundPerson(Frames(np.concatenate([first, second])), nets, cuts=False)
    assert [tuple(shot.indices) for shot in person.cast().shots] == [tuple(range(5)), tuple(range(5, 10))]
    assert person.absent() == []  # each shot's largest
    x, y = points_of(studio_clip(ALONE, FRAMES), 0)[2, 0, :2].tolist()  # the nose
    alone = FoundPerson(Frames(np.concatenate([first, second])), nets, who=Clicked(2, x, y), cuts=False)
    assert alone.absent() == [5, 6, 7, 8, 9]


def test_who_leaves_and_comes_back_is_found_again(nets: NetFolder) -> None:
    clip = studio_clip(ALONE, FRAMES)
    frames = plate_of(clip)
    frames[1:3] = empty_plate_of(clip)[1:3]
    person = FoundPerson(Frames(frames), nets, cuts=True)
    assert len(list(person.look())) == 2 * FRAMES
    assert person.absent() == [1, 2]
    mattes = found_mattes(person)
    assert not mattes[1:3].any()
    assert not person[1].points.any()
    assert agreement(mattes[3], matte_of(clip, 0)[3]) > 0.93


def test_a_clip_without_anybody_is_refused_where_somebody_is_needed(nets: NetFolder) -> None:
    empty = Frames(empty_plate_of(studio_clip(ALONE, FRAMES)))
    with pytest.raises(PassMissing, match="Nobody was found in any of the 5 frames") as refusal:
        list(FoundPerson(empty, nets, cuts=True).look())
    assert refusal.value.facts == {"frames": FRAMES}
    assert len(list(FoundPerson(empty, nets, cuts=False, needed=False).look())) == FRAMES


def test_the_same_clip_gives_the_same_passes_in_whatever_order_they_are_read(nets: NetFolder) -> None:
    plate = plate_of(studio_clip(TWO, FRAMES))
    source = Frames(plate)
    backwards, forwards = FoundPerson(source, nets, cuts=True), FoundPerson(Frames(plate), nets, cuts=True)
    for index in (4, 1, 0, 3, 2, 4):
        assert np.array_equal(backwards[index].points, forwards[index].points)
    assert np.array_equal(found_mattes(backwards), found_mattes(forwards))
    assert sorted(set(source.reads)) == [0, 1, 2, 3, 4]
    again = [index for index in range(5) if source.reads.count(index) == 2]
    assert len(source.reads) == 5 + len(again)  # who is there, then their passes: no frame a third time
    largest = [nearest_person(sure_people(nets.load().detector.find(frame))) for frame in plate]
    [chosen] = (member for member in forwards.cast().members if member.name == "A")
    other_is_larger = [index for index in range(5) if largest[index] != chosen.boxes[index]]
    assert again == other_is_larger  # who is largest is looked at closely at once
    assert again


def test_a_supplied_matte_says_whose_points_are_meant(nets: NetFolder) -> None:
    clip = studio_clip(TWO, FRAMES)
    mattes = matte_of(clip, 1)
    person = FoundPerson(Frames(plate_of(clip)), nets, matte=lambda index: mattes[index], cuts=False)
    for index, truth in enumerate(points_of(clip, 1)):
        assert error_px(person[index].points, truth) < 5
        assert person[index].matte is None


def test_supplied_points_say_whose_matte_is_meant_and_stay_as_they_are(nets: NetFolder) -> None:
    clip = studio_clip(TWO, FRAMES)
    points = points_of(clip, 1).copy()
    points[3] = 0  # the artist says: not there
    person = FoundPerson(Frames(plate_of(clip)), nets, points=points, cuts=True)
    mattes = found_mattes(person)
    for index in (0, 1, 2, 4):
        assert np.array_equal(person[index].points, points[index])
        assert agreement(mattes[index], matte_of(clip, 1)[index]) > 0.7
    assert not mattes[3].any()
    assert person.absent() == [3]


def test_a_box_around_points_stays_in_the_picture_and_leaves_room() -> None:
    points = np.zeros((133, 3), np.float32)
    points[:2] = [[20, 5, 1], [60, 85, 1]]
    box = box_around(points, FrameSize(100, 90))
    assert box is not None
    assert box[:4] == pytest.approx((14, 0, 66, 90))
    assert box_around(points * [1, 1, 0], FrameSize(100, 90)) is None
    assert box_around(points + np.array([200, 0, 0]), FrameSize(100, 90)) is None


def test_only_who_fills_the_matte_stands_in_it() -> None:
    matte = np.zeros((100, 100), np.uint8)
    matte[10:90, 20:40] = 255
    inside, beside = Person(10, 10, 50, 90, 0.9), Person(38, 10, 90, 90, 0.9)
    assert standing_in(matte, [beside, inside]) == [inside]
