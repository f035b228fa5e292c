"""Damaged, mistyped and hostile files end in a sentence, never in a wrong picture or a crash."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.engine.media.clips import counting_sound, make_clip, number_in, png_of
from understudy_engine.errors import CorruptMedia, MediaTooLarge, UnsupportedMedia
from understudy_engine.media import limits
from understudy_engine.media.read import open_clip, probe
from understudy_engine.media.rgb import read_picture
from understudy_engine.types import FrameRange

FFV1 = {"level": "3", "slicecrc": "1", "g": "1"}
H264 = {"g": "15", "crf": "10", "threads": "1"}  # one thread: the same bytes on every machine
FASTSTART = {"movflags": "faststart"}


def read_all(path: Path) -> list[int]:
    with open_clip(path) as clip:
        return [number_in(picture) for picture in clip.read(FrameRange(0, clip.info.frame_count))]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_truncated_clip_names_the_frame_it_ends_at(tmp_path: Path, suffix: str, share: float) -> None:
    options = FASTSTART if suffix == "mp4" else None
    path = make_clip(tmp_path / f"clip.{suffix}", 60, options={"g": "10"}, container_options=options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CorruptMedia) as caught:
        probe(path)
    frame = caught.value.facts["frame"]
    assert isinstance(frame, int)
    assert (0 if share < 0.5 else 1) <= frame < 60
    assert str(frame) in caught.value.message


def test_clip_without_its_index_is_called_damaged(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", 30)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CorruptMedia, match="damaged or cut short"):
        probe(path)


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_give_the_right_frames_or_a_named_one(tmp_path: Path, seed: int) -> None:
    """H.264 conceals damage; a concealed frame must not pass for the clip's own."""
    path = make_clip(tmp_path / "clip.mp4", 30, options=H264, container_options=FASTSTART)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    begin = data.index(b"mdat") + 800  # past the encoder's own note
    for at in rng.integers(begin, len(data), 3):
        data[at] ^= 0xFF
    path.write_bytes(data)
    shown: list[int] = []
    with contextlib.suppress(CorruptMedia), open_clip(path) as clip:
        shown.extend(number_in(picture) for picture in clip.read(FrameRange(0, 30)))
    assert shown == list(range(len(shown)))


def test_flipped_bytes_in_a_stored_layer_never_change_a_picture(tmp_path: Path) -> None:
    """FFV1's slices carry checksums; a flip that hurts nothing (in a header) may pass."""
    path = make_clip(tmp_path / "layer.mkv", 10, codec="ffv1", options=FFV1)
    whole = path.read_bytes()
    with open_clip(path) as clip:
        luma = [picture.planes[0] for picture in clip.read(FrameRange(0, 10))]
    passed = 0
    for at in np.linspace(len(whole) * 0.3, len(whole) * 0.7, 8).astype(int):
        data = bytearray(whole)
        data[at] ^= 0x10
        path.write_bytes(data)
        with contextlib.suppress(CorruptMedia), open_clip(path) as clip:
            for k, picture in enumerate(clip.read(FrameRange(0, 10))):
                np.testing.assert_array_equal(picture.planes[0], luma[k])
                passed += 1
    assert passed < 8 * 10


def test_frames_before_the_damage_can_still_be_read(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "layer.mkv", 10, codec="ffv1", options=FFV1)
    data = bytearray(path.read_bytes())
    data[int(len(data) * 0.6)] ^= 0x10
    path.write_bytes(data)
    with open_clip(path) as clip:
        assert [number_in(p) for p in clip.read(FrameRange(0, 3))] == [0, 1, 2]
        with pytest.raises(CorruptMedia, match="damaged at frame") as caught:
            list(clip.read(FrameRange(0, 10)))
        broken = int(caught.value.facts["frame"])
        assert [number_in(p) for p in clip.read(FrameRange(broken + 1, 10))] == [*range(broken + 1, 10)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "png", "jpg", "exr"])
@pytest.mark.parametrize("content", [b"", b"hello, I am a text file\n" * 50, os.urandom(5000), b"\0" * 5000])
def test_files_that_are_something_else_are_refused_by_name(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    path = tmp_path / f"notes.{suffix}"
    path.write_bytes(content)
    with pytest.raises((UnsupportedMedia, CorruptMedia), match=r"notes\."):
        probe(path)


@pytest.mark.parametrize(
    "content", ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n", "ffconcat version 1.0\nfile '{}'\n"]
)
def test_playlists_are_not_followed(tmp_path: Path, content: str) -> None:
    clip = make_clip(tmp_path / "secret.mp4", 3)
    path = tmp_path / "list.mp4"
    path.write_text(content.format(clip))
    with pytest.raises(UnsupportedMedia):
        probe(path)


def test_sound_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(path, "w") as container:
        track = container.add_stream("aac", rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(counting_sound(4800).reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    with pytest.raises(UnsupportedMedia, match="no picture"):
        probe(path)


def test_folders_and_pipes_are_no_movies(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UnsupportedMedia, match="not a file"):
        probe(tmp_path / "pipe.mp4")


def huge_png(path: Path, width: int, height: int) -> Path:
    """A few hundred bytes that claim to be enormous."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(png_of(IHDR=header, IDAT=zlib.compress(bytes(64)), IEND=b""))
    return path


@pytest.mark.parametrize("side", [8000, 60_000, 2_000_000_000])
def test_enormous_pictures_are_refused_before_they_are_decoded(tmp_path: Path, side: int) -> None:
    path = huge_png(tmp_path / "bomb.png", side, side)
    with pytest.raises((MediaTooLarge, CorruptMedia)) as caught:
        read_picture(path)
    if side == 8000:
        assert isinstance(caught.value, MediaTooLarge)
        assert "64 megapixels" in caught.value.message


def test_enormous_movie_frames_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(tmp_path / "clip.mkv", 1, codec="ffv1")
    monkeypatch.setattr(limits, "MAX_FRAME_PX", 64 * 48 - 1)
    with pytest.raises(MediaTooLarge, match="64 x 48"):
        probe(path)


def test_endless_clips_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(tmp_path / "clip.mkv", 12)
    monkeypatch.setattr(limits, "MAX_FRAMES", 11)
    with pytest.raises(MediaTooLarge, match="more than 11 frames"):
        probe(path)


def test_variable_rate_cannot_blow_a_clip_up(tmp_path: Path) -> None:
    """A frame a day after the others would be two million frames at a constant rate."""
    ticks = [0, 1, 2, 3, 24 * 3600 * 24]
    path = make_clip(tmp_path / "clip.mp4", 5, ticks=ticks, time_base=Fraction(1, 24))
    with pytest.raises(MediaTooLarge, match="20,000 frames"):
        probe(path)
