"""Passes that nobody supplied, found in the clip as they are read."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.engine.preprocess.bodies import walking
from tests.support.people import (
    ALONE,
    agreement,
    empty_plate_of,
    matte_of,
    plate_of,
    studio_clip,
    write_movie,
)
from understudy_engine.errors import PassMissing, WeightsMissing
from understudy_engine.media.read import open_clip
from understudy_engine.preprocess.draw import draw_skeleton
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.keypoints import on_canvas, skeleton_of
from understudy_engine.preprocess.missing import NO_FACES
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.passes import open_passes
from understudy_engine.preprocess.sizing import fit
from understudy_engine.types import (
    FrameRange,
    FrameSize,
    MatteOptions,
    Mode,
    SwapRequest,
)

from .passes_on_disk import AREA_PX, FACE_PX, FRAMES, matte_frames, movie, opened


@pytest.fixture(scope="module")
def person_clip(tmp_path_factory):
    """Three frames of a drawn person."""
    return write_movie(tmp_path_factory.mktemp("person") / "clip.mkv", plate_of(studio_clip(ALONE, 3, 128)))


@contextmanager
def found(person_clip, mode=Mode.REPLACE, **files):
    size = FrameSize(128, 128)
    with opened(mode, person_clip, frames=FrameRange(0, 3), source=size, **files) as passes:
        yield passes


def test_whatever_is_missing_is_found_in_the_clip(person_clip):
    with found(person_clip, options=MatteOptions(grow_px=0)) as passes:
        assert "Without keypoints and a matte of yours" in passes.warnings[0]
        assert list(passes.person.look())[2:4] == ["first look, frame 3 of 3", "frame 1 of 3"]
        assert passes.noticed() == ()
        matte = passes.matte_plate(1)
        assert agreement(matte, matte_of(studio_clip(ALONE, 3, 128), 0)[1]) > 0.9
        assert not passes.background.read([1])[passes.matte_model([1])].any()
        assert passes.pose.read([1]).any()
        assert passes.faces.read([1]).any()


def test_found_passes_are_the_same_each_time(person_clip):
    with found(person_clip) as one, found(person_clip) as again:
        assert np.array_equal(one.pose.read([2, 0]), again.pose.read([2, 0]))
        assert np.array_equal(one.faces.read([0, 2]), again.faces.read([0, 2]))
        for index in range(3):
            assert np.array_equal(one.matte_plate(index), again.matte_plate(index))


def test_nothing_is_looked_for_before_it_is_read(person_clip, monkeypatch):
    monkeypatch.setattr(NetFolder, "load", lambda folder: pytest.fail("a net was read"))
    with found(person_clip) as passes:
        assert len(passes.pose) == 3


def test_supplied_passes_win_each_by_itself(person_clip, tmp_path):
    size = FrameSize(128, 128)
    points = walking(3, size)
    write_keypoints(tmp_path / "pose.json", points)
    box = np.zeros((3, 128, 128, 3), np.uint8)
    box[:, 30:120, 40:90] = 255
    matte = write_movie(tmp_path / "matte.mkv", box)
    options = MatteOptions(grow_px=0)
    with found(person_clip, matte=matte, options=options) as passes:
        assert "Without keypoints of yours" in passes.warnings[0]
        assert np.array_equal(passes.matte_plate(0), box[0, ..., 0])
        assert passes.pose.read([0]).any()
    with found(person_clip, keypoints=tmp_path / "pose.json") as passes:
        assert "Without a matte of yours" in passes.warnings[0]
        skeleton = draw_skeleton(
            skeleton_of(on_canvas(points.points[0], fit(size, AREA_PX))), passes.pose.size
        )
        assert np.array_equal(passes.pose.read([0])[0], skeleton)
        assert passes.matte_plate(0).any()
    with found(person_clip, matte=matte, keypoints=tmp_path / "pose.json") as passes:
        assert passes.person is None


def test_animate_follows_whom_it_finds(person_clip):
    with found(person_clip, Mode.ANIMATE) as passes:
        assert "Without keypoints of yours" in passes.warnings[0]
        assert passes.pose.read([0]).any()
        assert passes.matte is None


def test_frames_without_the_person_are_told_and_keep_the_plate(tmp_path):
    clip = studio_clip(ALONE, 3, 128)
    frames = plate_of(clip)
    frames[1] = empty_plate_of(clip)[1]
    path = write_movie(tmp_path / "clip.mkv", frames)
    with found(path) as passes:
        assert passes.noticed() == (
            "Nobody was found in 1 of 3 frames (clip frame 1); the clip stays as it is there.",
            "No face is to be seen in 1 of 3 frames; the expression is left to the model there.",
        )
        assert not passes.matte_plate(1).any()
        assert np.array_equal(
            passes.background.read([1])[0], fit(FrameSize(128, 128), AREA_PX).apply(frames[1])
        )


def test_a_face_that_is_missed_is_told_and_no_reason_to_refuse(clip_path, matte_path, tmp_path):
    drawn = movie(tmp_path / "pose.mkv", matte_frames())
    with opened(Mode.REPLACE, clip_path, pose=drawn, matte=matte_path) as passes:
        assert len(list(passes.person.look())) == FRAMES
        assert passes.noticed() == (NO_FACES,)
        assert not passes.faces.read([0]).any()


@pytest.mark.parametrize("mode", list(Mode))
def test_a_clip_without_anybody_is_refused_when_it_has_been_looked_through(clip_path, mode):
    with (
        opened(mode, clip_path) as passes,
        pytest.raises(PassMissing, match="Nobody was found in any of the 9"),
    ):
        list(passes.person.look())


def test_without_nets_it_says_so_at_once(person_clip, tmp_path):
    request = SwapRequest(mode=Mode.REPLACE, clip=person_clip, character=Path("unused.png"))
    nets, three = NetFolder(tmp_path), FrameRange(0, 3)
    with (
        open_clip(person_clip) as clip,
        pytest.raises(WeightsMissing, match=r"detector\.onnx"),
        open_passes(request, clip, three, fit(FrameSize(128, 128), AREA_PX), FACE_PX, nets=nets),
    ):
        pass
