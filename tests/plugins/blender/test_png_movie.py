"""Movies of PNG pictures: the engine reads them to the bit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.plugins.blender.support.extension import load
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import to_rgb
from understudy_engine.types import FrameRange

png_movie = load("png_movie")
encode_png = load("png").encode_png
RATE = (24000, 1001)


def pictures(count: int, *channels: int) -> list[np.ndarray]:
    noise = np.random.default_rng(1)
    return [noise.integers(0, 256, (31, 45, *channels), np.uint8) for _ in range(count)]


def write(path: Path, frames: list[np.ndarray]) -> None:
    with png_movie.PngMovie(path, (45, 31), RATE) as movie:
        for frame in frames:
            movie.add(encode_png(frame))


def read(path: Path) -> list[np.ndarray]:
    with open_clip(path) as clip:
        assert clip.info.rate == Fraction(*RATE)
        return [to_rgb(each, clip.info.colour) for each in clip.read(FrameRange(0, clip.info.frame_count))]


def test_every_frame_comes_back_to_the_bit(tmp_path: Path) -> None:
    frames = pictures(5, 3)
    write(tmp_path / "a.avi", frames)
    assert np.array_equal(read(tmp_path / "a.avi"), frames)


def test_grey_stays_grey(tmp_path: Path) -> None:
    frames = pictures(3)
    write(tmp_path / "a.avi", frames)
    assert np.array_equal(np.array(read(tmp_path / "a.avi"))[..., 0], frames)


def test_a_cut_holds_its_frames_untouched(tmp_path: Path) -> None:
    frames = pictures(8, 3)
    write(tmp_path / "a.avi", frames)
    png_movie.cut(tmp_path / "a.avi", 3, 6, tmp_path / "b.avi")
    assert np.array_equal(read(tmp_path / "b.avi"), frames[3:6])


def test_its_own_frames_are_read_back(tmp_path: Path) -> None:
    frames = pictures(3, 4)
    write(tmp_path / "a.avi", frames)
    assert list(png_movie.read_pngs(tmp_path / "a.avi")) == [encode_png(each) for each in frames]


def test_what_is_not_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> None:
        with png_movie.PngMovie(tmp_path / "a.avi", (45, 31), RATE) as movie:
            movie.add(encode_png(pictures(1)[0]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert list(tmp_path.iterdir()) == []


def test_a_movie_of_more_than_two_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png_movie, "MOST_BYTES", 3000)
    with pytest.raises(load("ranges").Refusal, match="2 GB"):
        write(tmp_path / "a.avi", pictures(8, 3))
