"""Passes as files on disk, opened as the engine opens them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engine.preprocess.bodies import walking
from understudy_engine.errors import MatteEmpty, PassMismatch, PassMissing
from understudy_engine.media.read import open_clip
from understudy_engine.preprocess.draw import draw_skeleton
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.keypoints import Keypoints, skeleton_of
from understudy_engine.preprocess.missing import NO_FACES
from understudy_engine.preprocess.passes import open_passes
from understudy_engine.preprocess.reference_folder import read_reference_folder
from understudy_engine.preprocess.sizing import fit, reference_content
from understudy_engine.types import (
    FrameRange,
    FrameSize,
    MatteOptions,
    Mode,
    PassFiles,
    SwapRequest,
)

from .passes_on_disk import AREA_PX, FACE_PX, FRAMES, SIZE, WHOLE, matte_frames, movie, opened, plate_frames


def test_every_stream_has_the_ranges_length_at_the_models_size(replace):
    with replace() as passes:
        streams = [passes.pose, passes.faces, passes.background]
        assert [len(stream) for stream in streams] == [FRAMES] * 3
        assert [stream.size for stream in streams] == [(64, 48), (FACE_PX, FACE_PX), (64, 48)]
        shapes = [stream.read([4, 0, 4]).shape for stream in streams]
        assert shapes == [(3, 48, 64, 3), (3, FACE_PX, FACE_PX, 3), (3, 48, 64, 3)]
        assert passes.matte_model([4, 0, 4]).shape == (3, 48, 64)
        assert passes.matte_plate(0).shape == (96, 128)
        assert passes.warnings == ()


def test_frames_are_read_in_any_order_and_repeat(replace):
    order = [5, 2, 8, 2, 0]
    with replace() as passes:
        for read in (passes.pose.read, passes.faces.read, passes.background.read, passes.matte_model):
            one_by_one = np.concatenate([read([index]) for index in order])
            assert np.array_equal(read(order), one_by_one)
            assert len(read([])) == 0


def test_a_range_of_the_clip_shows_the_clips_frames_from_its_start(replace):
    with replace() as whole, replace(frames=FrameRange(3, 7)) as part:
        assert len(part.pose) == len(part.faces) == len(part.background) == 4
        for stream in ("pose", "faces", "background"):
            expected = getattr(whole, stream).read(range(3, 7))
            assert np.array_equal(getattr(part, stream).read(range(4)), expected)
        assert np.array_equal(part.matte_model(range(4)), whole.matte_model(range(3, 7)))


def test_a_pass_may_be_as_long_as_the_range(replace, tmp_path):
    frames = FrameRange(3, 7)
    short = movie(tmp_path / "short.mkv", matte_frames()[3:7])
    write_keypoints(tmp_path / "short.json", walking(FRAMES, SIZE).cut(frames))
    with (
        replace(frames=frames) as whole,
        replace(frames=frames, matte=short, keypoints=tmp_path / "short.json") as cut,
    ):
        assert np.array_equal(cut.matte_model(range(4)), whole.matte_model(range(4)))
        assert np.array_equal(cut.pose.read(range(4)), whole.pose.read(range(4)))


@pytest.mark.parametrize("name", ["matte", "pose", "face", "background"])
def test_a_pass_of_another_length_is_refused_with_both_numbers(replace, tmp_path, name):
    path = movie(tmp_path / "long.mkv", matte_frames(count=7))
    with (
        pytest.raises(PassMismatch, match="has 7 frames; the range has 4, the whole clip 9") as refusal,
        replace(frames=FrameRange(3, 7), **{name: path}),
    ):
        pass
    assert (refusal.value.facts["frames"], refusal.value.facts["expected"]) == (7, 4)


def test_keypoints_and_boxes_of_another_length_are_refused_with_both_numbers(replace, tmp_path):
    write_keypoints(tmp_path / "long.json", walking(10, SIZE))
    with (
        pytest.raises(PassMismatch, match="keypoint pass has 10 frames"),
        replace(keypoints=tmp_path / "long.json"),
    ):
        pass
    (tmp_path / "boxes.json").write_text("[null]")
    with (
        pytest.raises(PassMismatch, match="face box pass has 1 frames"),
        replace(face_boxes=tmp_path / "boxes.json"),
    ):
        pass


def test_the_composited_region_is_the_models_region(replace):
    fitted = fit(SIZE, AREA_PX)
    for options in (MatteOptions(), MatteOptions(grow_px=0), MatteOptions(grow_px=3, blocks=(3, 2))):
        with replace(options=options) as passes:
            for index, model in enumerate(passes.matte_model(range(FRAMES))):
                assert np.array_equal(fitted.apply_mask(passes.matte_plate(index)), model)
                assert model.any()


def test_the_matte_grows_by_pixels_of_the_model(replace):
    with replace(options=MatteOptions(grow_px=5)) as passes:  # the plate has twice the model's pixels
        assert np.flatnonzero(passes.matte_plate(0).any(axis=0))[[0, -1]].tolist() == [40 - 10, 71 + 10]
        assert np.flatnonzero(passes.matte_model([0])[0].any(axis=0))[[0, -1]].tolist() == [20 - 5, 35 + 5]


def test_the_background_is_the_plate_with_the_models_region_black(replace):
    with replace() as passes:
        background, mask = passes.background.read([6]), passes.matte_model([6])
        plate = fit(SIZE, AREA_PX).apply(plate_frames()[6])
        assert not background[mask].any()
        assert np.array_equal(background[0][~mask[0]], plate[~mask[0]])


def test_a_supplied_background_is_used_as_it_is(replace, tmp_path):
    clean = np.full((FRAMES, 48, 64, 3), 77, np.uint8)
    with replace(background=movie(tmp_path / "clean.mkv", clean)) as passes:
        assert (passes.background.read([0, 8]) == 77).all()


def test_a_single_picture_is_the_matte_of_every_frame(replace, tmp_path):
    picture = matte_frames()[0]
    imwrite(tmp_path / "matte.png", picture)
    with replace(matte=tmp_path / "matte.png") as passes:
        assert np.array_equal(passes.matte_plate(8), passes.matte_plate(0))
        masks = passes.matte_model([8, 0, 3])
        assert np.array_equal(masks, masks[[0, 0, 0]])
        assert len(passes.background) == FRAMES


def test_a_numbered_sequence_is_a_matte(replace, tmp_path):
    (tmp_path / "mattes").mkdir()
    for i, frame in enumerate(matte_frames()):
        imwrite(tmp_path / "mattes" / f"matte_{i:04}.png", frame)
    with replace(matte=tmp_path / "mattes") as sequence, replace() as video:
        assert np.array_equal(sequence.matte_model(range(FRAMES)), video.matte_model(range(FRAMES)))


def test_a_matte_of_another_size_is_scaled(replace, tmp_path):
    small = movie(tmp_path / "small.mkv", matte_frames(FrameSize(64, 48)))
    with replace(matte=small, options=MatteOptions(grow_px=0)) as passes:
        plate = passes.matte_plate(0)
        assert plate.shape == (96, 128)
        assert np.flatnonzero((plate >= 128).any(axis=1))[[0, -1]].tolist() == [24, 47]
        assert np.flatnonzero((plate >= 128).any(axis=0))[[0, -1]].tolist() == [40, 71]
        assert np.flatnonzero(plate.any(axis=0))[[0, -1]].tolist() == [39, 72]  # no ringing around it


@pytest.mark.parametrize("name", ["matte", "background", "pose"])
def test_a_pass_of_another_shape_is_refused_with_both_sizes(replace, tmp_path, name):
    square = movie(tmp_path / "square.mkv", matte_frames(FrameSize(96, 96)))
    with (
        pytest.raises(PassMismatch, match="96x96, of another shape than the clip's 128x96") as refusal,
        replace(**{name: square}),
    ):
        pass
    assert (refusal.value.facts["width"], refusal.value.facts["height"]) == (96, 96)


def test_keypoints_of_another_shape_are_refused_and_of_another_size_scaled(replace, tmp_path):
    write_keypoints(tmp_path / "square.json", walking(FRAMES, FrameSize(100, 100)))
    with (
        pytest.raises(PassMismatch, match="keypoint pass is 100x100"),
        replace(keypoints=tmp_path / "square.json"),
    ):
        pass
    keypoints = walking(FRAMES, SIZE)
    write_keypoints(tmp_path / "large.json", keypoints.scaled_to(FrameSize(1280, 960)))
    with replace(keypoints=tmp_path / "large.json") as passes:
        expected = draw_skeleton(skeleton_of(keypoints.points[2] * [0.5, 0.5, 1]), FrameSize(64, 48))
        assert np.array_equal(passes.pose.read([2])[0], expected)


def test_a_black_matte_is_refused(replace, tmp_path):
    black = movie(tmp_path / "black.mkv", np.zeros((FRAMES, 96, 128, 3), np.uint8))
    with pytest.raises(MatteEmpty, match="black in all 9 frames") as refusal, replace(matte=black):
        pass
    assert refusal.value.facts == {"frames": FRAMES}


def test_a_matte_that_is_black_for_some_frames_keeps_the_plate_there(replace, tmp_path):
    mattes = matte_frames()
    mattes[:8] = 0
    with replace(matte=movie(tmp_path / "late.mkv", mattes)) as passes:
        assert not passes.matte_plate(0).any()
        assert passes.matte_plate(8).any()
        assert np.array_equal(passes.background.read([0])[0], fit(SIZE, AREA_PX).apply(plate_frames()[0]))


def test_face_boxes_on_the_clip_become_crops_and_absent_ones_black(replace, tmp_path):
    boxes = [[10, 10, 42, 42]] * (FRAMES - 1) + [None]
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    with replace(face_boxes=tmp_path / "boxes.json") as passes:
        first, last = passes.faces.read([0, FRAMES - 1])
        assert np.abs(first.mean() - plate_frames()[0, 10:42, 10:42].mean()) < 1
        assert not last.any()
        assert "No face is to be seen in 1 of 9 frames" in passes.warnings[0]


def test_face_crops_are_taken_at_any_size(replace, tmp_path):
    faces = np.broadcast_to(np.arange(FRAMES, dtype=np.uint8)[:, None, None, None] * 9, (FRAMES, 40, 40, 3))
    with replace(face=movie(tmp_path / "face.mkv", faces)) as passes:
        assert [int(frame.max()) for frame in passes.faces.read([0, 4, 8])] == [0, 36, 72]


def test_without_any_face_the_model_gets_black_and_the_artist_a_word(clip_path, matte_path, tmp_path):
    points = walking(FRAMES, SIZE).points.copy()
    points[:, 23:91, 2] = 0
    write_keypoints(tmp_path / "body.json", Keypoints(points, SIZE))
    with opened(Mode.REPLACE, clip_path, matte=matte_path, keypoints=tmp_path / "body.json") as passes:
        assert not passes.faces.read(range(FRAMES)).any()
        assert passes.warnings == (NO_FACES,)


def test_the_clip_that_was_handed_in_can_be_read_meanwhile(clip_path, matte_path, keypoints_path):
    passes_files = PassFiles(matte=matte_path, keypoints=keypoints_path)
    request = SwapRequest(
        mode=Mode.REPLACE, clip=clip_path, character=Path("unused.png"), passes=passes_files
    )
    with open_clip(clip_path) as clip, open_passes(request, clip, WHOLE, fit(SIZE, AREA_PX), 16) as passes:
        whole = passes.background.read(range(FRAMES))
        first = passes.background.read([0, 1])
        plates = [(picture, passes.matte_plate(i)) for i, picture in enumerate(clip.read(WHOLE))]
        assert len(plates) == FRAMES
        assert np.array_equal(np.concatenate([first, passes.background.read(range(2, FRAMES))]), whole)


# ---- Animate: the canvas is the character picture's


def test_animate_letterboxes_the_motion_into_the_picture(clip_path, keypoints_path):
    with opened(Mode.ANIMATE, clip_path, source=FrameSize(90, 120), keypoints=keypoints_path) as passes:
        canvas = fit(FrameSize(90, 120), AREA_PX)
        assert passes.pose.size == canvas.canvas
        drawn = np.flatnonzero(passes.pose.read([0])[0].any(axis=(1, 2)))
        height = canvas.content.width * 96 / 128
        top = (canvas.content.height - height) / 2
        assert top <= drawn[0] < drawn[-1] <= top + height + 1
        assert not passes.background.read([0]).any()


def test_animate_has_no_matte(clip_path, keypoints_path, matte_path):
    with opened(Mode.ANIMATE, clip_path, keypoints=keypoints_path, matte=matte_path) as passes:
        assert passes.warnings == ("Animate makes the whole picture and does not use the matte.",)
        with pytest.raises(PassMissing, match="Animate has no matte"):
            passes.matte_plate(0)


def test_a_drawn_skeleton_takes_the_clips_place(tmp_path):
    drawing = np.stack([draw_skeleton(skeleton_of(p), SIZE) for p in walking(FRAMES, SIZE).points])
    path = movie(tmp_path / "skeleton.mkv", drawing)
    faces = movie(tmp_path / "face.mkv", np.full((FRAMES, 8, 8, 3), 50, np.uint8))
    frames = FrameRange(2, 6)
    with opened(
        Mode.ANIMATE, None, frames=frames, source=FrameSize(120, 120), pose=path, face=faces
    ) as passes:
        assert len(passes.pose) == len(passes.faces) == 4
        box = fit(FrameSize(120, 120), AREA_PX).content
        pose = passes.pose.read([0, 3])
        assert pose.any()
        bar = (box.height - box.width * 96 // 128) // 2
        assert not pose[:, :bar].any()
        assert (passes.faces.read([3]) == 50).all()


def test_the_references_thin_bars_are_taken_off(clip_path, tmp_path):
    """The reference floors 854x480 to 1280x704; here a clip of 107x60 becomes 160x80."""
    size, floored = FrameSize(107, 60), FrameSize(160, 80)
    clip = movie(tmp_path / "plate.mkv", plate_frames(size))
    box = reference_content(size, floored)
    assert box is not None
    assert box.width < floored.width
    boxed = np.zeros((FRAMES, floored.height, floored.width, 3), np.uint8)
    boxed[:, box.rows, box.columns] = 200
    folder = tmp_path / "reference"
    folder.mkdir()
    for name in ("src_pose", "src_mask", "src_bg"):
        movie(folder / f"{name}.mkv", boxed)
    found = read_reference_folder(folder)
    assert found is not None
    files = {name: getattr(found.passes, name) for name in ("pose", "matte", "background")}
    with opened(Mode.REPLACE, clip, source=size, **files) as passes:
        content = fit(size, AREA_PX).content
        assert (passes.matte_plate(0) >= 128).all()
        assert (passes.background.read([0]) == 200).all()
        assert (passes.pose.read([0])[0, content.rows, content.columns] == 200).all()


def imwrite(path: Path, frame: NDArray[np.uint8]) -> None:
    assert cv2.imwrite(str(path), frame[..., ::-1])
