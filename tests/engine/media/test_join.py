"""Several segments become one master: frame k shows frame k, with the clip's sound and timecode in place."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.engine.media.clips import counting_sound, heard, make_clip, number_in, random_picture
from understudy_engine.errors import CorruptMedia
from understudy_engine.media.info import ClipInfo, ColourTags
from understudy_engine.media.read import open_clip, probe
from understudy_engine.media.write import join_master, write_layer
from understudy_engine.types import FrameRange, FrameSize

NTSC = Fraction(30000, 1001)


def segments_of(path: Path, frames: FrameRange, cuts: Sequence[int]) -> tuple[ClipInfo, list[Path]]:
    """The clip's own frames as stored segments, cut at *cuts*."""
    folder = path.with_suffix(".segments")
    folder.mkdir()
    bounds = [frames.start, *cuts, frames.end]
    with open_clip(path) as clip:
        for start, end in pairwise(bounds):
            write_layer(
                folder / f"{start:04d}.mkv",
                clip.read(FrameRange(start, end)),
                rate=clip.info.rate or Fraction(1),
                colour=clip.info.colour,
                pixel_aspect=clip.info.pixel_aspect,
            )
        return clip.info, sorted(folder.iterdir())


@pytest.mark.parametrize(
    "rate",
    [Fraction(24), Fraction(24000, 1001), Fraction(25), NTSC, Fraction(50), Fraction(60000, 1001)],
    ids=str,
)
@pytest.mark.parametrize("frames", [FrameRange(0, 40), FrameRange(7, 33)], ids=["whole", "middle"])
def test_frame_k_of_the_master_is_frame_k_of_the_range(
    tmp_path: Path, rate: Fraction, frames: FrameRange
) -> None:
    path = make_clip(tmp_path / "clip.mp4", 40, rate=rate, options={"bf": "2"}, colour=(1, 1, 1, 1))
    info, parts = segments_of(path, frames, [17, 20, 21])
    master = tmp_path / "master.mkv"
    join_master(parts, master, clip=info, frames=frames)
    with open_clip(master) as joined, open_clip(path) as clip:
        assert (joined.info.rate, joined.info.frame_count) == (rate, len(frames))
        assert joined.info.colour == info.colour == ColourTags("bt709", "bt709", "bt709", "tv")
        pictures = joined.read(FrameRange(0, len(frames)))
        for k, (one, other) in enumerate(zip(pictures, clip.read(frames), strict=True)):
            assert number_in(one) == frames.start + k
            for ours, theirs in zip(one.planes, other.planes, strict=True):
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("codec", ["aac", "flac", "libmp3lame", "ac3"])
def test_sound_of_a_whole_clip_is_copied_untouched(tmp_path: Path, suffix: str, codec: str) -> None:
    sound = np.random.default_rng(0).normal(0, 3000, (48_000, 2)).astype(np.int16)
    path = make_clip(tmp_path / f"clip.{suffix}", 24, sound=sound, sound_codec=codec)
    info, parts = segments_of(path, FrameRange(0, 24), [9])
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=FrameRange(0, 24))

    def packets(file: Path) -> list[bytes]:
        with av.open(file) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert packets(tmp_path / "master.mkv") == packets(path)
    (before_start, before), (after_start, after) = heard(path), heard(tmp_path / "master.mkv")
    # Matroska does not hide AAC's priming, but says when it begins: before the first frame.
    primed = len(after) - len(before)
    np.testing.assert_array_equal(after[primed:], before)
    assert abs(after_start + Fraction(primed, 48_000) - before_start) <= Fraction(1, 1000)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), NTSC, Fraction(25)], ids=str)
@pytest.mark.parametrize("sample_rate", [48_000, 44_100])
@pytest.mark.parametrize("suffix", ["mov", "mkv"])
def test_sound_of_a_range_is_cut_to_the_sample_at_both_ends(
    tmp_path: Path, rate: Fraction, sample_rate: int, suffix: str
) -> None:
    samples = round(40 / rate * sample_rate)
    path = make_clip(
        tmp_path / f"clip.{suffix}", 40, rate=rate, sound=counting_sound(samples), sample_rate=sample_rate
    )
    frames = FrameRange(7, 30)
    info, parts = segments_of(path, frames, [20])
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=frames)
    start, samples_heard = heard(tmp_path / "master.mkv")
    begin, end = (round(k / rate * sample_rate) for k in (frames.start, frames.end))
    assert start == 0
    np.testing.assert_array_equal(samples_heard, counting_sound(samples)[begin:end])


def test_compressed_sound_is_cut_where_a_player_would_hear_it(tmp_path: Path) -> None:
    """AAC begins with samples that are not to be heard; they do not shift the cut."""
    path = make_clip(tmp_path / "clip.mp4", 48, sound=counting_sound(96_000), sound_codec="aac")
    frames = FrameRange(12, 24)
    info, parts = segments_of(path, frames, [])
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=frames)
    _, whole = heard(path)
    start, part = heard(tmp_path / "master.mkv")
    assert start == 0
    np.testing.assert_array_equal(part, whole[24_000:48_000])


def test_sound_that_begins_or_ends_inside_the_range_keeps_its_place(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mov", 48, sound=counting_sound(30_000))  # of 96,000
    frames = FrameRange(12, 48)
    info, parts = segments_of(path, frames, [])
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=frames)
    _, part = heard(tmp_path / "master.mkv")
    np.testing.assert_array_equal(part, counting_sound(30_000)[24_000:])


def test_damaged_sound_becomes_silence_and_keeps_its_place(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mkv", 48, sound=counting_sound(96_000), sound_codec="flac")
    frames = FrameRange(2, 46)
    info, parts = segments_of(path, frames, [])
    _, whole = heard(path)
    data = bytearray(path.read_bytes())
    with av.open(path) as container:
        victim = [packet for packet in container.demux(audio=0) if packet.size][10]
    at = data.index(bytes(victim))
    data[at : at + victim.size] = bytes(victim.size)
    path.write_bytes(data)
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=frames)
    _, part = heard(tmp_path / "master.mkv")
    expected = whole[4000:92_000]
    assert part.shape == expected.shape
    wrong = np.flatnonzero((part != expected).any(axis=1))
    assert 0 < len(wrong) <= 4608 + 2  # one packet of FLAC
    assert np.all(part[wrong] == 0)


def test_unknown_sound_is_left_out_and_said(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mov", 5, sound=counting_sound(10_000))
    path.write_bytes(path.read_bytes().replace(b"sowt", b"apac"))  # spatial sound of newer phones
    info, parts = segments_of(path, FrameRange(0, 5), [])
    assert info.audio_streams == ()
    assert any("1 of the clip's sound tracks" in note for note in info.notes)
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=FrameRange(0, 5))
    assert probe(tmp_path / "master.mkv").frame_count == 5


def test_range_without_sound_left_has_a_silent_master(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mov", 48, sound=counting_sound(10_000))
    frames = FrameRange(24, 48)
    info, parts = segments_of(path, frames, [])
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=frames)
    assert probe(tmp_path / "master.mkv").frame_count == 24


@pytest.mark.parametrize(
    ("rate", "start", "label"),
    [
        (Fraction(24), "01:00:00:20", "01:00:01:03"),
        (NTSC, "00:59:59;25", "01:00:00;02"),
        (NTSC, "00:00:59;25", "00:01:00;04"),
    ],
)
def test_timecode_is_set_forward_to_the_range(tmp_path: Path, rate: Fraction, start: str, label: str) -> None:
    path = make_clip(tmp_path / "clip.mov", 20, rate=rate, timecode=start)
    frames = FrameRange(7, 15)
    info, parts = segments_of(path, frames, [])
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=frames)
    assert probe(tmp_path / "master.mkv").timecode == label


def test_one_frame(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mov", 9, rate=NTSC, sound=counting_sound(14_400))
    info, parts = segments_of(path, FrameRange(4, 5), [])
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=FrameRange(4, 5))
    with open_clip(tmp_path / "master.mkv") as clip:
        assert (clip.info.rate, clip.info.frame_count) == (NTSC, 1)
        assert [number_in(picture) for picture in clip.read(FrameRange(0, 1))] == [4]


def test_variable_rate_clip_keeps_sound_in_step(tmp_path: Path) -> None:
    ticks = [k * 100 if k < 10 else k * 100 + 500 for k in range(30)]  # frame 9 stays for six
    path = make_clip(
        tmp_path / "clip.mov",
        30,
        rate=Fraction(30),
        ticks=ticks,
        time_base=Fraction(1, 3000),
        sound=counting_sound(56_000),
    )
    frames = FrameRange(12, 30)
    info, parts = segments_of(path, frames, [20])
    assert (info.variable_rate, info.rate, info.frame_count) == (True, Fraction(30), 35)
    join_master(parts, tmp_path / "master.mkv", clip=info, frames=frames)
    _, part = heard(tmp_path / "master.mkv")
    np.testing.assert_array_equal(part, counting_sound(56_000)[19_200:48_000])


def test_without_a_clip_there_are_only_pictures(tmp_path: Path) -> None:
    picture = random_picture(np.random.default_rng(0), "yuv420p", FrameSize(32, 32))
    write_layer(tmp_path / "part.mkv", [picture] * 5, rate=Fraction(25), colour=ColourTags())
    join_master([tmp_path / "part.mkv"], tmp_path / "master.mkv", clip=None, frames=FrameRange(0, 5))
    info = probe(tmp_path / "master.mkv")
    assert (info.rate, info.frame_count, info.audio_streams) == (Fraction(25), 5, ())


def test_missing_frames_and_foreign_parts_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, size in (("a", FrameSize(32, 32)), ("b", FrameSize(640, 480))):
        write_layer(
            tmp_path / f"{name}.mkv",
            [random_picture(rng, "yuv420p", size)] * 5,
            rate=Fraction(25),
            colour=ColourTags(),
        )
    a, b = tmp_path / "a.mkv", tmp_path / "b.mkv"
    with pytest.raises(CorruptMedia, match="hold 10 frames, 11 were expected"):
        join_master([a, a], tmp_path / "m.mkv", clip=None, frames=FrameRange(0, 11))
    with pytest.raises(CorruptMedia, match=r"b\.mkv is unlike the first"):
        join_master([a, b], tmp_path / "m.mkv", clip=None, frames=FrameRange(0, 10))
    assert not (tmp_path / "m.mkv").exists()
