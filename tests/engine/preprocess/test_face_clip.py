"""A clip of its own whose face drives the expression."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.support.people import ALONE, Frames, empty_plate_of, plate_of, studio_clip
from understudy_engine.errors import PassMissing
from understudy_engine.preprocess.face import crop_face
from understudy_engine.preprocess.face_clip import FaceClip
from understudy_engine.preprocess.nets import NetFolder

FRAMES, FILM, FACE_PX = 5, Fraction(24), 32


def face_clip(frames: np.ndarray) -> FaceClip:
    return FaceClip(Frames(frames), FILM, NetFolder(threads=1))


def test_the_faces_of_the_clip_are_found_and_cropped_and_absent_ones_are_black() -> None:
    clip = studio_clip(ALONE, FRAMES)
    frames = plate_of(clip)
    frames[3] = empty_plate_of(clip)[3]
    found = face_clip(frames)
    assert list(found.look())[-1] == f"frame {FRAMES} of {FRAMES}"
    boxes = [found.boxes[index] for index in range(FRAMES)]
    assert [box is not None for box in boxes] == [True, True, True, False, True]
    crops = found.crops(FACE_PX).read([3, 1])
    assert not crops[0].any()
    assert np.array_equal(crops[1], crop_face(frames[1], boxes[1], FACE_PX))


def test_a_clip_without_any_face_is_refused() -> None:
    empty = empty_plate_of(studio_clip(ALONE, FRAMES))
    with pytest.raises(PassMissing, match="No face was found in any of the 5 frames of the face clip"):
        list(face_clip(empty).look())
