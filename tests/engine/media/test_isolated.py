"""A decoder in a process of its own gives the same pictures, and what breaks it breaks nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.media.clips import counting_sound, heard, make_clip, number_in
from tests.engine.media.test_untrusted import FASTSTART, H264, huge_png
from understudy_engine.errors import CorruptMedia, MediaError, MediaTooLarge, UnsupportedMedia
from understudy_engine.media.isolated import isolated
from understudy_engine.media.join import join_master
from understudy_engine.media.join_child import join_isolated
from understudy_engine.media.read import Clip, open_clip, probe
from understudy_engine.media.rgb import read_picture
from understudy_engine.media.wire import DecoderLimits
from understudy_engine.types import FrameRange, FrameSize

OPENER = isolated()


def child_of(clip: Clip) -> int:
    return clip._decoder._process.pid  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [("libx264", "yuv420p"), ("ffv1", "yuv422p10le"), ("ffv1", "bgra"), ("ffv1", "gbrp16le")],
)
def test_pictures_and_facts_are_those_of_a_clip_opened_here(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    path = make_clip(tmp_path / "clip.mkv", 7, codec=codec, pix_fmt=pix_fmt, size=FrameSize(50, 38))
    with open_clip(path) as here, OPENER(path) as there:
        assert there.info == here.info
        for order in (FrameRange(0, 7), FrameRange(5, 7), FrameRange(1, 3)):
            for expected, found in zip(here.read(order), there.read(order), strict=True):
                assert found.pix_fmt == expected.pix_fmt
                for one, other in zip(expected.planes, found.planes, strict=True):
                    assert one.dtype == other.dtype
                    np.testing.assert_array_equal(one, other)


def test_everything_that_is_known_of_a_clip_comes_across(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "clip.mov",
        4,
        timecode="01:00:00:00",
        colour=(1, 1, 1, 1),
        rotation_degrees=90,
        sound=np.zeros((4800, 2), np.int16),
        ticks=[0, 1, 2, 9],
    )
    info = probe(path, OPENER)
    assert info == probe(path)
    assert (info.rotation_degrees, info.timecode, len(info.audio_streams)) == (90, "01:00:00:00", 1)
    assert info.notes


def test_interleaved_reads_of_one_clip_each_get_their_own_frames(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", 12, options=H264)
    with OPENER(path) as clip:
        pairs = zip(clip.read(FrameRange(0, 5)), clip.read(FrameRange(6, 11)), strict=True)
        assert [(number_in(a), number_in(b)) for a, b in pairs] == [(k, k + 6) for k in range(5)]


def test_a_picture_is_the_same_and_a_movie_is_no_picture(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.png", 1, codec="png", pix_fmt="rgba")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png", OPENER), read_picture(tmp_path / "a.png"))
    movie = make_clip(tmp_path / "clip.mp4", 2)
    with pytest.raises(UnsupportedMedia, match=r"clip\.mp4"):
        read_picture(movie, OPENER)


# ---- What strangers send ---------------------------------------------------------------------------------


def test_a_dead_decoder_is_a_corrupt_clip_at_that_frame_and_the_next_clip_opens(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", 9)
    with OPENER(path) as clip:
        frames = clip.read(FrameRange(0, 9))
        assert [number_in(next(frames)) for _ in range(3)] == [0, 1, 2]
        os.kill(child_of(clip), signal.SIGKILL)
        with pytest.raises(CorruptMedia, match=r"clip\.mp4 could not be read at frame") as caught:
            list(frames)
        assert caught.value.facts["frame"] == 3
    assert probe(path, OPENER).frame_count == 9


def test_a_decoder_that_hangs_is_ended_by_the_clock(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", 9)
    with OPENER(path) as clip:
        clip._decoder._limits = DecoderLimits(seconds=1)  # type: ignore[attr-defined]  # starting may take longer
        os.kill(child_of(clip), signal.SIGSTOP)
        with pytest.raises(CorruptMedia, match="too much memory or time"):
            next(clip.read(FrameRange(0, 1)))


@pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux bounds the address space")
def test_a_clip_that_needs_too_much_memory_ends_its_decoder_alone(tmp_path: Path) -> None:
    """A few hundred kB that become 8K frames of 53 MB each, several of them at once in the decoder."""
    bomb = make_clip(
        tmp_path / "bomb.mp4", 1, size=FrameSize(8192, 4320), options={"preset": "ultrafast", "threads": "1"}
    )
    assert bomb.stat().st_size < 400_000
    tight = isolated(DecoderLimits(memory_bytes=250 << 20))
    assert probe(make_clip(tmp_path / "small.mp4", 1), tight).frame_count == 1
    with pytest.raises(CorruptMedia, match=r"bomb\.mp4"):
        probe(bomb, tight)
    assert probe(bomb, OPENER).size == (8192, 4320)


def test_a_decoder_cannot_write_a_file_or_hold_more_than_its_memory(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", 2)
    with OPENER(path) as clip:
        limits = Path(f"/proc/{child_of(clip)}/limits")
        if not limits.exists():
            pytest.skip("this system does not tell a process's limits")
        told = {line[:26].strip(): line[26:].split()[1] for line in limits.read_text().splitlines()[1:]}
    assert told["Max file size"] == "0"
    assert told["Max core file size"] == "0"
    assert int(told["Max address space"]) == DecoderLimits().memory_bytes
    assert int(told["Max open files"]) <= 64


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space")
def test_limits_that_a_process_was_started_with_are_only_narrowed() -> None:
    code = (
        "import resource as r; from understudy_engine.media.confined import confine, OPEN_FILES\n"
        "from understudy_engine.media.wire import DecoderLimits\n"
        "r.setrlimit(r.RLIMIT_AS, (2 << 30, 2 << 30)); r.setrlimit(r.RLIMIT_NOFILE, (50, 50))\n"
        "confine(DecoderLimits()); print(r.getrlimit(r.RLIMIT_AS), r.getrlimit(r.RLIMIT_NOFILE))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert told.split() == ["(2147483648,", "2147483648)", "(50,", "50)"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n", "list.mp4"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "list.mov"),
        (b"v=0\nm=video 5004 RTP/AVP 96\n", "stream.mp4"),
        (b"", "empty.mp4"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "cut.png"),
    ],
)
def test_files_that_are_something_else_are_refused_with_the_words_of_a_clip_opened_here(
    tmp_path: Path, content: bytes, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaError) as here:
        probe(path)
    with pytest.raises(MediaError) as there:
        probe(path, OPENER)
    assert (type(there.value), there.value.message) == (type(here.value), here.value.message)


def test_an_enormous_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(MediaTooLarge, match="64 megapixels"):
        read_picture(huge_png(tmp_path / "bomb.png", 8000, 8000), OPENER)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_an_endless_file_is_refused_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.mp4")
    with pytest.raises(UnsupportedMedia, match="not a file"):
        probe(tmp_path / "endless.mp4", OPENER)


def test_damage_names_the_same_frame_and_the_frames_around_it_can_be_read(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", 30, options=H264, container_options=FASTSTART)
    data = bytearray(path.read_bytes())
    for at in np.random.default_rng(0).integers(data.index(b"mdat") + 800, len(data), 3):
        data[at] ^= 0xFF
    path.write_bytes(data)
    outcomes = []
    for opener in (open_clip, OPENER):
        with opener(path) as clip:
            shown, error = list[int](), None
            try:
                shown.extend(number_in(picture) for picture in clip.read(FrameRange(0, 30)))
            except CorruptMedia as caught:
                error = (caught.message, caught.facts)
            outcomes.append((shown, error, number_in(next(clip.read(FrameRange(0, 1))))))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1] is not None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x02{}",
        b'\x00\x00\x00\x14{"size": [0, "wide"]}',
    ],
)
def test_nonsense_from_a_decoder_that_was_taken_over_is_a_corrupt_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    (tmp_path / "python").write_bytes(
        b"#!/bin/sh\nprintf '" + b"".join(b"\\%03o" % b for b in answer) + b"'\nexec sleep 9\n"
    )
    (tmp_path / "python").chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(CorruptMedia, match=r"clip\.mp4 could not be opened"):
        probe(tmp_path / "clip.mp4", isolated(DecoderLimits(seconds=1)))


# ---- Joining, which reads the clip's sound ---------------------------------------------------------------


def clip_with_sound(tmp_path: Path) -> tuple[Path, Path]:
    """A clip of 12 frames, and its pictures as one stored segment."""
    clip = make_clip(tmp_path / "clip.mov", 12, sound=counting_sound(24_000), timecode="01:00:00:00")
    part = make_clip(tmp_path / "part.mkv", 12, codec="ffv1")
    return clip, part


@pytest.mark.parametrize("frames", [FrameRange(0, 12), FrameRange(3, 9)], ids=["whole", "middle"])
def test_a_master_joined_in_a_process_of_its_own_is_the_same(tmp_path: Path, frames: FrameRange) -> None:
    clip = probe(clip_with_sound(tmp_path)[0])
    part = make_clip(tmp_path / "range.mkv", frames.indices, codec="ffv1")
    join_master([part], tmp_path / "here.mkv", clip=clip, frames=frames)
    join_isolated([part], tmp_path / "there.mkv", clip=clip, frames=frames)
    here, there = (probe(tmp_path / name) for name in ("here.mkv", "there.mkv"))
    assert replace(there, path=here.path) == here
    assert here.timecode
    one, other = heard(here.path), heard(there.path)
    assert one[0] == other[0]
    np.testing.assert_array_equal(one[1], other[1])


def test_what_a_join_meets_is_told_in_its_own_words_and_leaves_nothing(tmp_path: Path) -> None:
    _, part = clip_with_sound(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(CorruptMedia, match="hold 12 frames, 13 were expected"):
        join_isolated([part], out / "master.mkv", clip=None, frames=FrameRange(0, 13))
    assert list(out.iterdir()) == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux bounds the address space")
def test_sound_that_breaks_its_reader_is_a_corrupt_clip(tmp_path: Path) -> None:
    path, part = clip_with_sound(tmp_path)
    limits = DecoderLimits(memory_bytes=80 << 20)  # less than the libraries themselves need
    with pytest.raises(CorruptMedia, match=r"sound of clip\.mov could not be read"):
        join_isolated([part], tmp_path / "m.mkv", clip=probe(path), frames=FrameRange(0, 12), limits=limits)
    assert not (tmp_path / "m.mkv").exists()
