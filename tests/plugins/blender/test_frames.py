"""Frames on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from tests.plugins.blender.support.extension import load

frames = load("frames")


def test_where_a_frame_is_missing_nothing_covers_what_lies_below(tmp_path: Path) -> None:
    path = frames.write_waiting(tmp_path / "new" / "folder")
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert (picture.shape, picture.max()) == ((8, 8, 4), 0)
    assert load("png").png_size(path) == (8, 8)


def test_only_whole_frames_count(tmp_path: Path) -> None:
    frames.write_waiting(tmp_path)
    for name in ("000000.png", "000012.png", "000013.part", "preview_000001.jpg"):
        (tmp_path / name).touch()
    assert frames.frames_in(tmp_path) == {0, 12}
    assert frames.frames_in(tmp_path / "nowhere") == set()


def test_a_frame_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "000000.png").mkdir()
    with pytest.raises(OSError, match="directory"):
        frames.write_whole(tmp_path / "000000.png", b"a picture")
    assert [path.name for path in tmp_path.iterdir()] == ["000000.png"]


def test_a_folder_says_whose_frames_it_holds(tmp_path: Path) -> None:
    uid = "12345678-aaaa-bbbb"
    assert (
        frames.new_folder(tmp_path, "Shot 3/clip.mov replace", uid).name == "shot_3_clip_mov_replace_12345678"
    )
    assert frames.new_folder(tmp_path, "場面", uid).name == "frames_12345678"


def test_a_frame_is_taken_over_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"one")
    for _ in range(2):
        frames.take_over(tmp_path / "a.png", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == b"one"
