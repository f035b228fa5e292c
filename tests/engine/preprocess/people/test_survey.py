from __future__ import annotations

import numpy as np

from tests.support.people import ALONE, TWO, plate_of, studio_clip
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.people.cast import Cast
from understudy_engine.preprocess.people.survey import Survey

FRAMES = 5


def surveyed(*clips: np.ndarray) -> Cast:
    survey, detector = Survey(), NetFolder(threads=1).load().detector
    for frame in np.concatenate(clips):
        survey.see(frame, detector.find(frame))
    return survey.cast()


def test_everybody_is_named_in_each_shot_with_their_span() -> None:
    cast = surveyed(plate_of(studio_clip(TWO, FRAMES)), plate_of(studio_clip(ALONE, FRAMES)))
    spans = {(member.first, member.last, member.frames_seen) for member in cast.members}
    assert [len(cast.within(shot)) for shot in cast.shots] == [2, 1]
    assert spans == {(0, 4, 5), (5, 9, 5)}
    assert {member.name for member in cast.members} == {"A", "B", "C"}


def test_the_same_pictures_give_the_same_cast() -> None:
    clip = plate_of(studio_clip(TWO, FRAMES))
    assert surveyed(clip) == surveyed(clip)


def test_a_survey_keeps_little_of_each_frame_and_no_picture() -> None:
    survey, detector = Survey(), NetFolder(threads=1).load().detector
    for frame in plate_of(studio_clip(TWO, FRAMES)):
        survey.see(frame, detector.find(frame))
    kept = [one.appearance for seen in survey._seen for one in seen]
    assert len(kept) == 2 * FRAMES
    assert all(looks.nbytes < 200 and looks.base is None for looks in kept)
