"""Clips stay open between frames: a few, for those who read them, and every picture is the right one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.server.support.footage import make_clip
from understudy_engine.errors import CorruptMedia
from understudy_engine.media.read import Clip, open_clip
from understudy_engine.types import FrameRange
from understudy_server import open_clips
from understudy_server.open_clips import OpenClips

LIMIT, FRAMES = 2, 6


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.mkv" for name in "abc"]
    for seed, path in enumerate(paths):
        make_clip(path, FRAMES, seed)
    return paths


@pytest.fixture
def still_open(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are open at the moment."""
    now: list[Path] = []

    @contextmanager
    def watched(path: Path) -> Iterator[Clip]:
        with open_clip(path) as clip:
            now.append(path)
            try:
                yield clip
            finally:
                now.remove(path)

    monkeypatch.setattr(open_clips, "open_stored", watched)
    return now


def expected(file: Path) -> list[np.ndarray]:
    with open_clip(file) as clip:
        return [picture.planes[0] for picture in clip.read(FrameRange(0, FRAMES))]


def test_many_threads_in_any_order_get_the_pictures_they_ask_for(files: list[Path]) -> None:
    clips, truth = OpenClips(LIMIT), {file: expected(file) for file in files}

    def read(seed: int) -> None:
        file = files[seed % len(files)]
        with clips.reading(file):
            for index in np.random.default_rng(seed).integers(0, FRAMES, 20):
                picture, _ = clips.picture(file, int(index))
                np.testing.assert_array_equal(picture.planes[0], truth[file][index])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(12)))


def test_between_frames_no_more_stay_open_than_allowed(files: list[Path], still_open: list[Path]) -> None:
    clips = OpenClips(LIMIT)
    with clips.reading(files[0]), clips.reading(files[1]), clips.reading(files[2]):
        for file in files:
            clips.picture(file, 0)
        assert still_open == files[1:]


def test_readers_of_a_file_share_its_open_clip_until_the_last_has_left(
    files: list[Path], still_open: list[Path]
) -> None:
    clips = OpenClips(LIMIT)
    with clips.reading(files[0]):
        with clips.reading(files[0]):
            for index in (0, 0, 1, 5, 2):
                clips.picture(files[0], index)
                assert still_open == files[:1]
        assert still_open == files[:1]
    assert still_open == []


def test_a_single_frame_leaves_nothing_open(files: list[Path], still_open: list[Path]) -> None:
    OpenClips(LIMIT).picture(files[0], 3)
    assert still_open == []


def test_a_damaged_clip_is_told_and_closed(files: list[Path], still_open: list[Path]) -> None:
    whole = files[0].read_bytes()
    middle = len(whole) // 2
    files[0].write_bytes(
        whole[:middle] + bytes(byte ^ 255 for byte in whole[middle : middle + 99]) + whole[middle + 99 :]
    )
    clips = OpenClips(LIMIT)
    with clips.reading(files[0]), pytest.raises(CorruptMedia):
        [clips.picture(files[0], index) for index in range(FRAMES)]
    assert still_open == []
