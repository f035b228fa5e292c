"""Frame k is frame k: whatever the rate, the codec, the container and the way there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.engine.media.clips import (
    SIZE,
    counting_sound,
    make_clip,
    number_in,
)
from understudy_engine.errors import (
    FrameRangeOutside,
    MediaNotFound,
    UnsupportedMedia,
)
from understudy_engine.media.read import Clip, Opener, open_clip, open_stored, probe
from understudy_engine.types import FrameRange, FrameSize

FOOTAGE = Path(__file__).parents[4] / "shared" / "footage"
RATES = [
    *(Fraction(n) for n in (24, 25, 30, 50, 60)),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60)),
    Fraction(25, 2),
]
LONG_GOP = {"g": "250", "bf": "3", "sc_threshold": "0", "crf": "20"}
OPEN_GOP = {"g": "8", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}


def numbers(clip: Clip, start: int, end: int) -> list[int]:
    return [number_in(picture) for picture in clip.read(FrameRange(start, end))]


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_rate_and_frame_count_are_exact(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    info = probe(make_clip(tmp_path / f"clip.{suffix}", 31, rate=rate))
    assert (info.rate, info.frame_count, info.variable_rate) == (rate, 31, False)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "ts", "avi"])
@pytest.mark.parametrize("options", [LONG_GOP, OPEN_GOP, {"g": "1"}], ids=["long", "open", "intra"])
def test_frame_k_is_frame_k_after_any_seek(tmp_path: Path, suffix: str, options: dict[str, str]) -> None:
    path = make_clip(tmp_path / f"clip.{suffix}", 40, options=options, sound=counting_sound(80_000))
    with open_clip(path) as clip:
        assert clip.info.frame_count == 40
        assert numbers(clip, 0, 40) == list(range(40))
        for k in (39, 0, 17, 16, 8, 7, 9, 24, 23, 38, 1):
            assert numbers(clip, k, k + 1) == [k]
        assert numbers(clip, 11, 29) == list(range(11, 29))
        assert numbers(clip, 5, 5) == []


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("libx265", "yuv420p10le", "mp4"),
        ("libx264", "yuv422p10le", "mov"),
        ("prores_ks", "yuv422p10le", "mov"),
        ("ffv1", "yuv420p16le", "mkv"),
        ("mjpeg", "yuvj422p", "avi"),
        ("mpeg4", "yuv420p", "avi"),
        ("libvpx-vp9", "yuv420p", "webm"),
        ("dnxhd", "yuv422p10le", "mxf"),
        ("qtrle", "rgb24", "mov"),
    ],
)
def test_other_codecs_and_depths_are_as_exact(tmp_path: Path, codec: str, pix_fmt: str, suffix: str) -> None:
    options = {"profile": "dnxhr_hqx"} if codec == "dnxhd" else {"x265-params": "log-level=none"}
    size = FrameSize(256, 120) if codec == "dnxhd" else SIZE  # the smallest that DNxHR encodes
    path = make_clip(
        tmp_path / f"clip.{suffix}",
        20,
        rate=Fraction(25),
        codec=codec,
        pix_fmt=pix_fmt,
        size=size,
        options=options if codec in ("dnxhd", "libx265") else None,
    )
    with open_clip(path) as clip:
        assert (clip.info.pix_fmt, clip.info.size, clip.info.rate) == (pix_fmt, size, Fraction(25))
        assert numbers(clip, 0, 20) == list(range(20))
        assert numbers(clip, 13, 15) == [13, 14]


def test_avi_has_no_times_and_is_counted_by_decoding(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.avi", 20, codec="mpeg4", options={"bf": "2"})
    with open_clip(path) as clip:
        assert (clip.info.frame_count, clip.info.rate) == (20, Fraction(24))
        assert numbers(clip, 12, 15) == [12, 13, 14]


def test_edit_list_hides_frames_that_are_then_not_counted(tmp_path: Path) -> None:
    """Trimmed without re-encoding, as phones do: decoding begins before the first shown frame."""
    path = make_clip(
        tmp_path / "clip.mp4",
        20,
        ticks=range(-5, 15),
        options={"g": "50"},
        container_options={"avoid_negative_ts": "disabled"},
    )
    with open_clip(path) as clip:
        assert clip.info.frame_count == 15
        assert numbers(clip, 0, 15) == list(range(5, 20))
        assert numbers(clip, 7, 9) == [12, 13]


def test_edit_list_that_ends_early_is_no_damage(tmp_path: Path) -> None:
    """Trimmed at the end: the file holds more frames than it shows."""
    path = make_clip(tmp_path / "clip.mp4", 20, options={"bf": "0"})
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 12  # version and flags (4), count (4): then the duration in 1/1000 s
    data[entry : entry + 4] = (500).to_bytes(4, "big")
    path.write_bytes(data)
    with open_clip(path) as clip:
        assert clip.info.frame_count == 12
        assert numbers(clip, 0, 12) == list(range(12))


def test_clip_that_begins_late_on_its_clock_begins_with_frame_0(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mkv", 12, ticks=range(100, 112))
    with open_clip(path) as clip:
        assert clip.info.rate == 24
        assert clip.info.start_time == pytest.approx(100 / 24, abs=0.001)
        assert numbers(clip, 0, 12) == list(range(12))


def test_one_frame_clip(tmp_path: Path) -> None:
    with open_clip(make_clip(tmp_path / "clip.mp4", 1, rate=Fraction(30000, 1001))) as clip:
        assert (clip.info.frame_count, clip.info.rate) == (1, Fraction(30000, 1001))
        assert numbers(clip, 0, 1) == [0]


def test_jittering_clock_counts_as_constant(tmp_path: Path) -> None:
    """A recorder whose millisecond clock wavers by a few milliseconds keeps each frame once."""
    wavering = [round(k * 1001 / 30) + (k * 7 % 5 - 2) for k in range(40)]
    info = probe(make_clip(tmp_path / "c.mkv", 40, ticks=wavering, time_base=Fraction(1, 1000)))
    assert (info.rate, info.frame_count, info.variable_rate) == (Fraction(30000, 1001), 40, False)


def test_variable_rate_is_told_and_conformed_to_what_a_player_shows(tmp_path: Path) -> None:
    """30 a second, but frames 10 and 20 stay four times as long."""
    ticks, now = [], 0
    for k in range(30):
        ticks.append(now)
        now += 400 if k in (10, 20) else 100
    path = make_clip(tmp_path / "clip.mp4", 30, rate=Fraction(30), ticks=ticks, time_base=Fraction(1, 3000))
    with open_clip(path) as clip:
        info = clip.info
        assert (info.variable_rate, info.rate, info.frame_count) == (True, Fraction(30), 36)
        assert any("uneven" in note for note in info.notes)
        shown = [k for k in range(30) for _ in range(4 if k in (10, 20) else 1)]
        assert numbers(clip, 0, 36) == shown
        assert numbers(clip, 12, 16) == shown[12:16]
        assert info.duration == Fraction(36, 30)


@pytest.mark.parametrize("size", [FrameSize(65, 49), FrameSize(64, 49), FrameSize(65, 48)], ids=str)
@pytest.mark.parametrize("codec", ["ffv1", "prores_ks"])
def test_odd_sizes_come_as_they_are(tmp_path: Path, size: FrameSize, codec: str) -> None:
    pix_fmt = "yuv420p" if codec == "ffv1" else "yuv422p10le"
    path = make_clip(
        tmp_path / f"clip.{'mkv' if codec == 'ffv1' else 'mov'}", 9, codec=codec, size=size, pix_fmt=pix_fmt
    )
    with open_clip(path) as clip:
        assert clip.info.size == size
        assert numbers(clip, 0, 9) == list(range(9))


@pytest.mark.parametrize(("degrees", "turns"), [(90, 3), (180, 2), (270, 1)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p"])
def test_rotation_is_applied_and_loses_nothing(
    tmp_path: Path, degrees: int, turns: int, pix_fmt: str
) -> None:
    plain = make_clip(tmp_path / "plain.mp4", 3, pix_fmt=pix_fmt)
    turned = make_clip(tmp_path / "turned.mp4", 3, pix_fmt=pix_fmt, rotation_degrees=degrees)
    with open_clip(plain) as a, open_clip(turned) as b:
        assert b.info.rotation_degrees == degrees
        assert b.info.size == (FrameSize(48, 64) if turns % 2 else SIZE)
        expected = pix_fmt.replace("422", "440") if turns % 2 else pix_fmt
        assert b.info.pix_fmt == expected
        for before, after in zip(a.read(FrameRange(0, 3)), b.read(FrameRange(0, 3)), strict=True):
            for one, other in zip(before.planes, after.planes, strict=True):
                np.testing.assert_array_equal(np.rot90(one, turns), other)


def test_colour_timecode_and_sound_are_told(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "clip.mov",
        4,
        rate=Fraction(30000, 1001),
        colour=(9, 16, 9, 1),
        timecode="01:02:03;04",
        sound=counting_sound(6400),
    )
    info = probe(path)
    assert (info.colour.primaries, info.colour.transfer) == ("bt2020", "smpte2084")
    assert (info.colour.matrix, info.colour.range) == ("bt2020nc", "tv")
    assert info.timecode == "01:02:03;04"
    (audio,) = info.audio_streams
    assert (audio.codec, audio.sample_rate, audio.channels) == ("pcm_s16le", 48_000, 2)
    assert any("HDR" in note for note in info.notes)


def test_range_outside_the_clip_is_refused_before_decoding(tmp_path: Path) -> None:
    with open_clip(make_clip(tmp_path / "clip.mp4", 5)) as clip:
        for start, end in ((0, 6), (-1, 3), (4, 2)):
            with pytest.raises(FrameRangeOutside, match="frames 0 to 4"):
                clip.read(FrameRange(start, end))


def test_interleaved_reads_do_not_mix(tmp_path: Path) -> None:
    with open_clip(make_clip(tmp_path / "clip.mp4", 20)) as clip:
        first, second = clip.read(FrameRange(0, 10)), clip.read(FrameRange(10, 20))
        pairs = [(number_in(one), number_in(other)) for one, other in zip(first, second, strict=True)]
        assert pairs == [(k, 10 + k) for k in range(10)]


@pytest.mark.footage
@pytest.mark.skipif(not FOOTAGE.exists(), reason="../shared/footage is not beside the checkout")
@pytest.mark.parametrize(
    ("name", "count", "rate"),
    [("replace_plate_1280x720_24fps.mp4", 164, 24), ("skeleton_960x540_50fps.mp4", 350, 50)],
)
def test_real_footage_is_counted_and_found_again(name: str, count: int, rate: int) -> None:
    with open_clip(FOOTAGE / name) as clip:
        assert (clip.info.frame_count, clip.info.rate) == (count, Fraction(rate))
        marks = [int(picture.planes[0].sum()) for picture in clip.read(FrameRange(0, 90))]
        for k in (89, 40, 0, 63, 62, 1):
            (picture,) = clip.read(FrameRange(k, k + 1))
            assert int(picture.planes[0].sum()) == marks[k]
        assert len(list(clip.read(FrameRange(count - 3, count)))) == 3


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFound, match=r"nowhere\.mp4"):
        probe(tmp_path / "nowhere.mp4")
    with pytest.raises(MediaNotFound, match="no numbered pictures"):
        probe(tmp_path)


@pytest.mark.parametrize("sound_codec", ["flac", "pcm_s16le"])
def test_of_a_stored_file_only_the_pictures_decoder_is_opened(tmp_path: Path, sound_codec: str) -> None:
    """FFmpeg opens a decoder for every track of a file to look into it, if it is let."""
    sound = counting_sound(24_000)
    path = make_clip(tmp_path / "master.mkv", 12, codec="ffv1", sound=sound, sound_codec=sound_codec)

    def refused(opener: Opener) -> tuple[list[int], set[str]]:
        with av.logging.Capture() as log, opener(path) as clip:
            shown = [number_in(picture) for picture in clip.read(FrameRange(0, 12))]
        return shown, {line.split("'")[0].strip() for _, _, line in log if "whitelist" in line}

    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        refusal = f"Codec ({sound_codec}) not on whitelist"
        for opener, is_refused in ((open_clip, False), (open_stored, True)):
            shown, refusals = refused(opener)
            assert shown == list(range(12))
            assert (refusal in refusals) == is_refused
    finally:
        av.logging.set_level(level)


def test_a_stored_file_holds_ffv1_and_nothing_else(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "layer.mkv", 3)
    with pytest.raises(UnsupportedMedia, match="codec 'h264'"), open_stored(path):
        pass
