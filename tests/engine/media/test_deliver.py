"""What is delivered is what the master holds: rate, length, order, sound, tags, and nearly the same pixels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.engine.media.clips import (
    SIZE,
    counting_sound,
    heard,
    make_clip,
    number_in,
    numbered_rgb,
    shown_number,
)
from understudy_engine.media.info import ColourTags
from understudy_engine.media.read import open_clip, probe
from understudy_engine.media.rgb import from_rgb, to_rgb
from understudy_engine.media.write import DeliveryCodec, deliver, join_master, write_layer
from understudy_engine.types import FrameRange, FrameSize, Picture

NTSC = Fraction(30000, 1001)
HD = ColourTags("bt709", "bt709", "bt709", "tv")
MOVIES = [DeliveryCodec.H264, DeliveryCodec.PRORES_422_HQ, DeliveryCodec.PRORES_4444, DeliveryCodec.FFV1]
SEQUENCES = [DeliveryCodec.PNG_SEQUENCE, DeliveryCodec.EXR_SEQUENCE]
DNXHR = DeliveryCodec.DNXHR_HQX
LARGE = FrameSize(256, 120)


def master_of(
    folder: Path,
    *,
    pix_fmt: str = "yuv420p",
    size: FrameSize = SIZE,
    rate: Fraction = NTSC,
    colour: ColourTags = HD,
    sound_codec: str = "pcm_s16le",
    frames: FrameRange | None = None,
) -> Path:
    """30 numbered frames with sound and timecode."""
    clip = make_clip(
        folder / "clip.mov",
        30,
        rate=rate,
        sound=counting_sound(round(30 / rate * 48_000)),
        sound_codec=sound_codec,
        timecode="01:00:00:00",
    )
    frames = frames or FrameRange(0, 30)
    rgb = (np.divide(numbered_rgb(k, size), 255, dtype=np.float32) for k in frames.indices)
    pictures = (from_rgb(frame, pix_fmt, colour) for frame in rgb)
    part, master = folder / "part.mkv", folder / "master.mkv"
    write_layer(part, pictures, rate=rate, colour=colour, pixel_aspect=Fraction(4, 3))
    join_master([part], master, clip=probe(clip), frames=frames)
    return master


@pytest.mark.parametrize("codec", [*MOVIES, DNXHR])
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), NTSC, Fraction(60)], ids=str)
def test_movies_keep_rate_length_order_timecode_and_tags(
    tmp_path: Path, codec: DeliveryCodec, rate: Fraction
) -> None:
    out = tmp_path / f"out{codec.suffix}"
    deliver(master_of(tmp_path, rate=rate, size=LARGE if codec is DNXHR else SIZE), out, codec)
    with open_clip(out) as clip:
        info = clip.info
        assert (info.rate, info.frame_count, info.timecode) == (rate, 30, "01:00:00:00")
        assert info.colour == HD
        assert info.pixel_aspect == Fraction(4, 3)
        assert info.start_time == 0
        assert [number_in(picture) for picture in clip.read(FrameRange(0, 30))] == list(range(30))


@pytest.mark.parametrize("codec", MOVIES)
@pytest.mark.parametrize(
    ("pix_fmt", "colour"),
    [
        ("yuv420p", ColourTags()),
        ("yuv422p10le", HD),
        ("yuv444p12le", ColourTags("bt2020", "smpte2084", "bt2020nc", "tv")),
        ("yuvj420p", ColourTags("bt709", "bt709", "smpte170m", "pc")),
        ("rgb24", ColourTags("bt709", "iec61966-2-1", "gbr", "pc")),
        ("gbrp16le", ColourTags("bt709", "iec61966-2-1", "gbr", "pc")),
        ("gray", ColourTags()),
        ("bgra", ColourTags()),
    ],
)
def test_colours_look_the_same(
    tmp_path: Path, codec: DeliveryCodec, pix_fmt: str, colour: ColourTags
) -> None:
    master = master_of(tmp_path, pix_fmt=pix_fmt, colour=colour, frames=FrameRange(3, 6))
    out = tmp_path / f"out{codec.suffix}"
    deliver(master, out, codec)
    with open_clip(master) as before, open_clip(out) as after:
        for one, other in zip(before.read(FrameRange(0, 3)), after.read(FrameRange(0, 3)), strict=True):
            ours, theirs = to_rgb(one, before.info.colour), to_rgb(other, after.info.colour)
            assert np.abs(ours.astype(int) - theirs).mean() < 2.5
        deep = before.info.bit_depth > 8 or codec.suffix == ".mov"
        assert (after.info.bit_depth > 8) == deep


@pytest.mark.parametrize("codec", [*MOVIES, *SEQUENCES])
@pytest.mark.parametrize("size", [FrameSize(65, 49), FrameSize(64, 49), FrameSize(65, 48)], ids=str)
def test_odd_sizes_are_handled(tmp_path: Path, codec: DeliveryCodec, size: FrameSize) -> None:
    """Rounded up where the codec must, and then the picture stays in its upper left corner."""
    out = tmp_path / f"out{codec.suffix}"
    deliver(master_of(tmp_path, size=size, frames=FrameRange(3, 9)), out, codec)
    with open_clip(out) as clip:
        got = clip.info.size
        assert got in (size, (size.width + size.width % 2, size.height), (66, 50), (64, 50))
        if codec in (DeliveryCodec.FFV1, DeliveryCodec.PRORES_4444, *SEQUENCES):
            assert got == size
        for k, picture in enumerate(clip.read(FrameRange(0, 6))):
            rgb = to_rgb(picture, clip.info.colour)[: size.height, : size.width]
            assert shown_number(rgb) == 3 + k


@pytest.mark.parametrize("frames", [FrameRange(0, 30), FrameRange(5, 25)], ids=["whole", "middle"])
@pytest.mark.parametrize("sound_codec", ["aac", "pcm_s16le", "pcm_s24le"])
@pytest.mark.parametrize("codec", [DeliveryCodec.H264, DeliveryCodec.PRORES_422_HQ])
def test_sound_is_in_step_and_copied_where_the_container_takes_it(
    tmp_path: Path, codec: DeliveryCodec, sound_codec: str, frames: FrameRange
) -> None:
    out = tmp_path / f"out{codec.suffix}"
    master = master_of(tmp_path, sound_codec=sound_codec, frames=frames)
    deliver(master, out, codec)
    _, original = heard(tmp_path / "clip.mov")
    begin, end = (round(k / NTSC * 48_000) for k in (frames.start, frames.end))
    start, delivered = heard(out)
    expected = original.astype(np.float64)[begin:end]
    assert start == 0
    got = delivered[: len(expected)].astype(np.float64)
    if (sound_codec == "aac" and len(frames) == 30) or codec is DeliveryCodec.PRORES_422_HQ:
        np.testing.assert_array_equal(got, expected[: len(got)])
        assert (
            abs(len(delivered) - len(expected)) < 1024 if sound_codec == "aac" else len(got) == len(expected)
        )
    else:  # AAC anew: the same sound at the same place
        assert 0 <= len(delivered) - len(expected) < 2048
        assert np.corrcoef(got[4096:-4096, 0], expected[4096:-4096, 0])[0, 1] > 0.98


def test_png_sequence_holds_every_frame_and_the_sound(tmp_path: Path) -> None:
    out = tmp_path / "shot"
    deliver(master_of(tmp_path, frames=FrameRange(5, 15)), out, DeliveryCodec.PNG_SEQUENCE)
    names = sorted(path.name for path in out.iterdir())
    assert names == [*(f"shot.{k:06d}.png" for k in range(1, 11)), "shot.mka"]
    with open_clip(out) as clip:
        assert clip.info.pix_fmt == "rgb24"
        shown = [shown_number(to_rgb(p, clip.info.colour)) for p in clip.read(FrameRange(0, 10))]
    assert shown == list(range(5, 15))
    _, sound = heard(out / "shot.mka")
    assert len(sound) == round(15 / NTSC * 48_000) - round(5 / NTSC * 48_000)


def test_png_keeps_16_bits_and_alpha_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    deep = Picture(tuple(rng.integers(0, 65536, (9, 7), dtype=np.uint16) for _ in range(4)), "gbrap16le")
    write_layer(tmp_path / "part.mkv", [deep], rate=Fraction(24), colour=ColourTags())
    deliver(tmp_path / "part.mkv", tmp_path / "deep", DeliveryCodec.PNG_SEQUENCE)
    bgra = cv2.imread(str(tmp_path / "deep" / "deep.000001.png"), cv2.IMREAD_UNCHANGED)
    assert bgra is not None
    green, blue, red, alpha = deep.planes
    np.testing.assert_array_equal(bgra, np.dstack([blue, green, red, alpha]))


def test_h264_is_written_for_every_player(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    deliver(master_of(tmp_path, pix_fmt="yuv444p"), out, DeliveryCodec.H264)
    with av.open(out) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.pix_fmt, stream.codec_context.profile) == ("yuv420p", "High")
        assert stream.average_rate == NTSC


def test_an_older_delivery_is_replaced(tmp_path: Path) -> None:
    master = master_of(tmp_path, frames=FrameRange(0, 2))
    for codec in (*MOVIES, *SEQUENCES):
        out = tmp_path / f"again{codec.suffix}"
        deliver(master, out, codec)
        deliver(master, out, codec)
        assert probe(out).frame_count == 2
