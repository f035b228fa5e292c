"""Passes: single files, and folders that hold them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.blender.support.extension import load

passes = load("passes")
ranges = load("ranges")


def folder_of(path: Path, *names: str) -> Path:
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


def test_a_folder_as_the_demo_writes_it_is_understood(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "passes", "keypoints.json", "face_boxes.json", "matte.mkv", "notes.txt")
    assert passes.gather(folder, {}) == {
        "keypoints": folder / "keypoints.json",
        "face_boxes": folder / "face_boxes.json",
        "matte": folder / "matte.mkv",
    }


def test_a_folder_of_the_references_own_preprocessing_is_understood(tmp_path: Path) -> None:
    names = ("src_pose.mp4", "src_face.mp4", "src_ref.png", "src_bg.mp4", "src_mask.mp4")
    folder = folder_of(tmp_path / "process_results", *names)
    assert passes.gather(folder, {}) == {
        "pose": folder / "src_pose.mp4",
        "face": folder / "src_face.mp4",
        "background": folder / "src_bg.mp4",
        "matte": folder / "src_mask.mp4",
    }


def test_a_folder_of_numbered_pictures_is_a_pass_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "matte").mkdir()
    assert passes.gather(tmp_path, {}) == {"matte": tmp_path / "matte"}


def test_a_file_that_was_chosen_wins_over_the_folders(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "passes", "matte.mkv", "keypoints.json")
    chosen = tmp_path / "roto.mov"
    chosen.touch()
    assert passes.gather(folder, {"matte": chosen})["matte"] == chosen


def test_what_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ranges.Refusal, match="no face boxes at"):
        passes.gather(None, {"face_boxes": tmp_path / "boxes.json"})
    with pytest.raises(ranges.Refusal, match="no passes folder"):
        passes.gather(tmp_path / "gone", {})
    with pytest.raises(ranges.Refusal, match="holds no pass"):
        passes.gather(folder_of(tmp_path / "other", "matter.mkv"), {})
