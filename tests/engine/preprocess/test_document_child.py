"""Keypoints and face boxes read in a process of their own: the same numbers, and no file harms who asked."""

import json
import os
import sys
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.engine.preprocess.bodies import walking
from understudy_engine.errors import (
    CorruptMedia,
    MediaError,
    MediaNotFound,
    MediaTooLarge,
    PassMismatch,
    UnsupportedMedia,
)
from understudy_engine.media.wire import DecoderLimits
from understudy_engine.preprocess.document_child import face_boxes_isolated, keypoints_isolated
from understudy_engine.preprocess.documents import MAX_BYTES
from understudy_engine.preprocess.face_boxes import read_face_boxes
from understudy_engine.preprocess.keypoint_files import read_keypoints, write_keypoints
from understudy_engine.types import FrameSize

SIZE = FrameSize(640, 360)
OWN = {"format": "understudy.keypoints", "version": 1, "width": 640, "height": 360}
only_linux = pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux bounds the address space")


def test_keypoints_are_those_of_a_file_read_here(tmp_path):
    path = tmp_path / "pose.json"
    write_keypoints(path, walking(5, SIZE))
    here, there = read_keypoints(path, FrameSize(1, 1)), keypoints_isolated(path, FrameSize(1, 1))
    assert there.size == here.size == SIZE
    assert there.points.dtype == here.points.dtype
    np.testing.assert_array_equal(there.points, here.points)


def test_a_folder_of_files_is_read_in_order(tmp_path):
    for number, points in enumerate(walking(11, SIZE).points):
        (tmp_path / f"frame_{number}.json").write_text(json.dumps(points.tolist()))
    here, there = read_keypoints(tmp_path, SIZE), keypoints_isolated(tmp_path, SIZE)
    assert len(there) == 11
    np.testing.assert_array_equal(there.points, here.points)


def test_face_boxes_are_those_of_a_file_read_here(tmp_path):
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps([[10, 20, 110.4, 90], None, [600, 300, 900, 400], [-9, -9, -1, -1]]))
    boxes = face_boxes_isolated(path, SIZE)
    assert boxes == read_face_boxes(path, SIZE)
    assert [box is None for box in boxes] == [False, True, False, True]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[1, 2", UnsupportedMedia),
        ("[" * 100_000, UnsupportedMedia),
        ("9" * 10_000, UnsupportedMedia),
        ("7", UnsupportedMedia),
        (json.dumps(OWN | {"frames": [[[0, 0, 1]] * 17]}), PassMismatch),
        (json.dumps(OWN | {"frames": [[[1e400, 0, 1]] * 133]}), PassMismatch),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_the_same_words(tmp_path, text, kind):
    path = tmp_path / "pose.json"
    path.write_text(text)
    with pytest.raises(kind) as here:
        read_keypoints(path, SIZE)
    with pytest.raises(kind) as there:
        keypoints_isolated(path, SIZE)
    assert (there.value.message, there.value.facts) == (here.value.message, here.value.facts)
    with pytest.raises(MediaNotFound, match="no file"):
        keypoints_isolated(tmp_path / "none.json", SIZE)


# ---- What strangers send ---------------------------------------------------------------------------------


@contextmanager
def little_memory_here():
    """Fails if Python objects of more than 20 MB were alive at once in this process."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@only_linux
def test_a_file_that_needs_too_much_memory_ends_its_reader_alone(tmp_path):
    """An empty list takes 3 bytes in a file and 64 in memory."""
    bomb = tmp_path / "pose.json"
    bomb.write_text("[" + "[]," * 5_000_000 + "[]]")
    with (
        little_memory_here(),
        pytest.raises(CorruptMedia, match=r"pose\.json could not be read: .*too much memory"),
    ):
        keypoints_isolated(bomb, SIZE, DecoderLimits(memory_bytes=400 << 20))


def test_200_mb_of_brackets_are_refused_without_a_deep_stack(tmp_path):
    deep = tmp_path / "deep.json"
    deep.write_bytes(b"[" * 200_000_000)
    with little_memory_here(), pytest.raises(UnsupportedMedia, match=r"deep\.json is not a JSON text"):
        keypoints_isolated(deep, SIZE)
    deep.unlink()


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path):
    with (tmp_path / "pose.json").open("wb") as file:
        file.truncate(MAX_BYTES + (1 << 20))  # takes no room on the disk
    with pytest.raises(MediaTooLarge, match="has 257 MB; up to 256 MB"):
        face_boxes_isolated(tmp_path / "pose.json", SIZE)


def test_more_frames_than_a_clip_may_have_are_refused(tmp_path):
    (tmp_path / "boxes.json").write_text(json.dumps([None] * 20_001))
    with pytest.raises(MediaTooLarge, match=r"boxes\.json has more than 20,000 frames"):
        face_boxes_isolated(tmp_path / "boxes.json", SIZE)


def test_names_that_no_number_can_be_made_of_are_a_sentence(tmp_path):
    """Image names are sorted by their numbers; "²" passes for a digit and is none."""
    person = {"keypoints": [0.0] * 51}
    (tmp_path / "coco.json").write_text(json.dumps([person | {"image_id": "²"}, person | {"image_id": "a"}]))
    with pytest.raises(MediaError, match=r"coco\.json"):
        keypoints_isolated(tmp_path / "coco.json", SIZE)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_an_endless_file_is_refused_without_being_opened(tmp_path):
    os.mkfifo(tmp_path / "pose.json")
    with pytest.raises(MediaNotFound):
        keypoints_isolated(tmp_path / "pose.json", SIZE)


@pytest.mark.parametrize(
    "answer",
    [
        {"frames": 10**12, "width": 64, "height": 64},
        {"frames": -1, "width": 64, "height": 64},
        {"frames": 1, "width": 0, "height": 64},
        {"frames": 1},
        {"frames": "many", "width": 64, "height": 64},
    ],
)
def test_nonsense_from_a_reader_that_was_taken_over_is_refused(tmp_path, monkeypatch, answer):
    body = json.dumps(answer).encode()
    said = "".join(f"\\{byte:03o}" for byte in len(body).to_bytes(4, "big") + body)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nprintf '{said}'\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises((CorruptMedia, MediaTooLarge), match=r"pose\.json"):
        keypoints_isolated(tmp_path / "pose.json", SIZE)
