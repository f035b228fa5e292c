"""Mattes at another rate than the clip's: frame to frame, by time, or refused, and always told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from understudy_engine.errors import MatteEmpty, PassMismatch
from understudy_engine.media.read import open_clip
from understudy_engine.preprocess.conform_rate import nearest_frame
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.passes import open_passes
from understudy_engine.preprocess.sizing import fit
from understudy_engine.preprocess.streams import Passes
from understudy_engine.types import (
    FrameRange,
    FrameSize,
    MatteOptions,
    Mode,
    PassFiles,
    SwapRequest,
)

from .bodies import walking
from .passes_on_disk import movie

SIZE = FrameSize(64, 48)
FRAMES, RATE = 24, Fraction(24)  # a second
AREA_PX = 64 * 48


def columns(count: int) -> np.ndarray:
    """A white column, in frame k of *count* at that share of the width."""
    frames = np.zeros((count, SIZE.height, SIZE.width, 3), np.uint8)
    for index, frame in enumerate(frames):
        frame[:, index * 48 // count : index * 48 // count + 12] = 255
    return frames


@contextmanager
def replaced(folder: Path, matte: Path, frames: FrameRange = FrameRange(0, FRAMES)) -> Iterator[Passes]:  # noqa: B008
    clip_path = movie(folder / "clip.mkv", np.zeros((FRAMES, SIZE.height, SIZE.width, 3), np.uint8), RATE)
    keypoints = folder / "pose.json"
    write_keypoints(keypoints, walking(FRAMES, SIZE))
    request = SwapRequest(
        mode=Mode.REPLACE,
        clip=clip_path,
        character=Path("unused.png"),
        passes=PassFiles(matte=matte, keypoints=keypoints),
        frames=frames,
        matte=MatteOptions(grow_px=0),
    )
    with open_clip(clip_path) as clip, open_passes(request, clip, frames, fit(SIZE, AREA_PX), 16) as passes:
        yield passes


def rate_warnings(passes: Passes) -> list[str]:
    return [text for text in passes.warnings if "runs at" in text]


@pytest.mark.parametrize("rate", [30, 25, 12, 60])
def test_a_matte_that_is_as_long_in_seconds_goes_by_time_and_says_so(rate: int, tmp_path: Path) -> None:
    mattes = columns(rate)
    with replaced(tmp_path, movie(tmp_path / "matte.mkv", mattes, Fraction(rate))) as passes:
        assert rate_warnings(passes) == [
            f"The matte pass runs at {rate} frames a second, the clip at 24. Each frame of the clip takes the pass's "
            "nearest in time; supply it at the clip's rate."
        ]
        for index in (0, 7, 23):
            nearest = nearest_frame(index, Fraction(rate), RATE, rate)
            assert abs(nearest / rate - index / 24) <= max(0.5 / rate, 1 / rate - 1 / 24) + 1e-9
            assert np.array_equal(passes.matte_plate(index), mattes[nearest, ..., 0])


def test_a_range_of_the_clip_takes_its_own_time_of_the_matte(tmp_path: Path) -> None:
    mattes = columns(30)
    with replaced(
        tmp_path, movie(tmp_path / "matte.mkv", mattes, Fraction(30)), FrameRange(12, 20)
    ) as passes:
        assert np.array_equal(passes.matte_plate(0), mattes[15, ..., 0])
        assert np.array_equal(passes.matte_plate(4), mattes[20, ..., 0])


def test_a_matte_of_the_ranges_seconds_begins_with_the_range(tmp_path: Path) -> None:
    mattes = columns(10)
    with replaced(
        tmp_path, movie(tmp_path / "matte.mkv", mattes, Fraction(30)), FrameRange(12, 20)
    ) as passes:
        assert np.array_equal(passes.matte_plate(0), mattes[0, ..., 0])
        assert np.array_equal(passes.matte_plate(4), mattes[5, ..., 0])


def test_as_many_frames_at_another_rate_go_frame_to_frame_and_it_is_said(tmp_path: Path) -> None:
    mattes = columns(FRAMES)
    with replaced(tmp_path, movie(tmp_path / "matte.mkv", mattes, Fraction(30))) as passes:
        assert rate_warnings(passes) == [
            "The matte pass runs at 30 frames a second, the clip at 24. Both have 24 frames: frame goes to frame."
        ]
        assert np.array_equal(passes.matte_plate(17), mattes[17, ..., 0])


def test_a_rate_that_is_only_named_otherwise_is_not_told(tmp_path: Path) -> None:
    file = movie(tmp_path / "matte.mkv", columns(FRAMES), Fraction(24000, 1001))
    with replaced(tmp_path, file) as passes:
        assert rate_warnings(passes) == []


def test_a_matte_of_another_rate_and_length_is_refused_with_the_numbers(tmp_path: Path) -> None:
    file = movie(tmp_path / "matte.mkv", columns(40), Fraction(30))
    with (
        pytest.raises(PassMismatch, match="The matte pass has 40 frames; the range has 24"),
        replaced(tmp_path, file),
    ):
        pass


def test_a_black_matte_of_another_rate_is_refused_as_black(tmp_path: Path) -> None:
    file = movie(tmp_path / "matte.mkv", np.zeros((30, SIZE.height, SIZE.width, 3), np.uint8), Fraction(30))
    with pytest.raises(MatteEmpty, match="black in all 24 frames"), replaced(tmp_path, file):
        pass


def test_the_nearest_frame_never_lies_behind_the_end() -> None:
    assert nearest_frame(23, Fraction(12), RATE, 12) == 11
    assert nearest_frame(0, Fraction(30), RATE, 30) == 0
