"""Keypoints that are written in Blender are those that the engine reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.plugins.blender.support.extension import load
from understudy_engine.preprocess.face_boxes import read_face_boxes
from understudy_engine.preprocess.keypoint_files import read_keypoints
from understudy_engine.types import FrameSize

keypoint_file = load("rig.keypoint_file")
SIZE = FrameSize(640, 360)


def frames(count: int) -> list[list[list[float]]]:
    return [[[point + 0.25, frame, 1.0] for point in range(133)] for frame in range(count)]


def test_the_engine_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "keypoints.json"
    keypoint_file.write_keypoints(path, [*frames(3), None], (640, 360), (24, 1))
    read = read_keypoints(path, FrameSize(1, 1))
    assert read.size == SIZE
    assert np.array_equal(read.points[:3], np.array(frames(3), np.float32))
    assert not read.points[3].any()


def test_a_cut_has_just_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "keypoints.json"
    keypoint_file.write_keypoints(path, frames(9), (640, 360), (24, 1))
    keypoint_file.cut(path, 2, 5, tmp_path / "cut.json")
    read = read_keypoints(tmp_path / "cut.json", SIZE)
    assert read.points[:, 0, 1].tolist() == [2, 3, 4]


def test_no_faces_are_read_as_none(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    keypoint_file.write_no_faces(path, 4, (640, 360))
    assert read_face_boxes(path, SIZE) == [None] * 4
    keypoint_file.cut(path, 1, 3, tmp_path / "cut.json")
    assert read_face_boxes(tmp_path / "cut.json", SIZE) == [None] * 2
