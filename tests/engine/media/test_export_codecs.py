"""Alpha, linear light and the exporter's own look at what it wrote."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import cv2
import numpy as np
import pytest

from tests.engine.media.clips import make_clip, random_picture
from understudy_engine.errors import CorruptMedia, UnsupportedMedia
from understudy_engine.media import encode, pixels, sequence
from understudy_engine.media.atomic import atomic_file
from understudy_engine.media.digest import picture_digest
from understudy_engine.media.encode import psnr
from understudy_engine.media.info import ColourTags
from understudy_engine.media.light import linear_light
from understudy_engine.media.pixels import components, float_planes
from understudy_engine.media.read import open_clip, probe
from understudy_engine.media.rgb import to_rgb_float
from understudy_engine.media.write import DeliveryCodec, deliver, write_layer
from understudy_engine.types import FrameRange, FrameSize, Picture

RATE = Fraction(24000, 1001)
SMALL = FrameSize(64, 48)
LARGE = FrameSize(256, 120)
HD = ColourTags("bt709", "bt709", "bt709", "tv")


def master_of(folder: Path, pix_fmt: str, colour: ColourTags = HD, size: FrameSize = SMALL) -> Path:
    rng = np.random.default_rng(0)
    write_layer(
        folder / "master.mkv",
        [random_picture(rng, pix_fmt, size) for _ in range(3)],
        rate=RATE,
        colour=colour,
    )
    return folder / "master.mkv"


def character(folder: Path) -> Path:
    """A red disc with a soft edge."""
    y, x = np.mgrid[:48, :64]
    alpha = np.clip((20 - np.hypot(x - 32, y - 24)) / 6, 0, 1)
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[..., 2], pixels[..., 3] = np.where(alpha > 0, 200, 0), np.rint(alpha * 255)
    write_layer(
        folder / "character.mkv",
        [Picture((pixels,), "bgra")] * 2,
        rate=RATE,
        colour=ColourTags("bt709", "bt709"),
    )
    return folder / "character.mkv"


def pictures_of(path: Path) -> list[Picture]:
    with open_clip(path) as clip:
        return list(clip.read(FrameRange(0, clip.info.frame_count)))


def test_prores_4444_keeps_straight_alpha(tmp_path: Path) -> None:
    layer, out = character(tmp_path), tmp_path / "out.mov"
    deliver(layer, out, DeliveryCodec.PRORES_4444)
    with open_clip(out) as clip:
        picture, info = next(clip.read(FrameRange(0, 1))), clip.info
    alpha = components(picture)["a"] / 4095
    expected = components(pictures_of(layer)[0])["a"] / 255
    assert np.abs(alpha - expected).max() < 1 / 255
    solid = expected > 0.2
    solid[:, 1:] &= solid[:, :-1]
    assert np.abs(to_rgb_float(picture, info.colour)[solid] * 255 - [200, 0, 0]).mean() < 4


@pytest.mark.parametrize("codec", [DeliveryCodec.H264, DeliveryCodec.PRORES_422_HQ])
def test_codecs_without_alpha_show_the_layer_over_black(tmp_path: Path, codec: DeliveryCodec) -> None:
    layer, out = character(tmp_path), tmp_path / f"out{codec.suffix}"
    deliver(layer, out, codec)
    with open_clip(out) as clip:
        rgb = to_rgb_float(next(clip.read(FrameRange(0, 1))), clip.info.colour)
    alpha = components(pictures_of(layer)[0])["a"] / 255
    assert np.abs(rgb[..., 0] - alpha * 200 / 255).mean() < 0.02
    assert rgb[alpha == 0].mean() < 0.01


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "gbrp16le", "rgb24", "gray"])
@pytest.mark.parametrize("transfer", ["bt709", "iec61966-2-1", "linear", "smpte2084", "arib-std-b67", ""])
def test_exr_holds_linear_light_in_half_floats(tmp_path: Path, pix_fmt: str, transfer: str) -> None:
    colour = ColourTags("bt2020", transfer, "bt2020nc", "tv")
    master, out = master_of(tmp_path, pix_fmt, colour), tmp_path / "shot"
    deliver(master, out, DeliveryCodec.EXR_SEQUENCE)
    files = sorted(out.iterdir())
    assert [file.name for file in files] == [f"shot.{k:06d}.exr" for k in (1, 2, 3)]
    with open_clip(master) as clip:
        for file, picture in zip(files, clip.read(FrameRange(0, 3)), strict=True):
            expected = linear_light(
                to_rgb_float(picture, clip.info.colour), transfer, is_yuv=pix_fmt.startswith("yuv")
            )
            np.testing.assert_allclose(exr(file), expected, rtol=1 / 1024, atol=1e-7)


def exr(file: Path) -> np.ndarray:
    """(H, W, 3 or 4) as FFmpeg reads it, by its own probe of the file."""
    with av.open(file) as container:
        frame = next(container.decode(video=0))
        assert "f16" in frame.format.name
        green, blue, red, *alpha = float_planes(frame)
    return np.dstack([red, green, blue, *alpha])


def test_exr_pictures_tell_rate_timecode_and_primaries(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mov", 3, rate=RATE, timecode="01:02:03:23", colour=(1, 1, 1, 1))
    deliver(clip, tmp_path / "shot", DeliveryCodec.EXR_SEQUENCE)
    with av.open(tmp_path / "shot" / "shot.000001.exr") as container:
        assert container.streams.video[0].codec_context.framerate == RATE
    headers = [attributes(tmp_path / "shot" / f"shot.{k:06d}.exr") for k in (1, 2, 3)]
    assert [header["framesPerSecond"] for header in headers] == [struct.pack("<iI", 24000, 1001)] * 3
    codes = [struct.unpack("<II", header["timeCode"])[0] for header in headers]
    assert [f"{code:08x}" for code in codes] == ["01020323", "01020400", "01020401"]
    red, white = (struct.unpack("<8f", headers[0]["chromaticities"])[i : i + 2] for i in (0, 6))
    assert red == pytest.approx((0.64, 0.33))
    assert white == pytest.approx((0.3127, 0.3290))


def attributes(file: Path) -> dict[str, bytes]:
    found, data, at = {}, file.read_bytes(), 8
    while data[at]:
        name, kind, rest = data[at:].split(b"\0", 2)
        at += len(name) + len(kind) + 2
        (size,) = struct.unpack_from("<i", rest)
        found[name.decode()] = rest[4 : 4 + size]
        at += 4 + size
    return found


def test_exr_multiplies_colour_by_alpha(tmp_path: Path) -> None:
    deliver(character(tmp_path), tmp_path / "shot", DeliveryCodec.EXR_SEQUENCE)
    rgba = exr(tmp_path / "shot" / "shot.000001.exr")
    alpha = components(pictures_of(tmp_path / "character.mkv")[0])["a"] / 255
    np.testing.assert_allclose(rgba[..., 3], alpha, atol=1e-3)
    light = float(linear_light(np.array([200 / 255], np.float32), "bt709", is_yuv=False)[0])
    np.testing.assert_allclose(rgba[..., 0], alpha * light, atol=1e-3)


def test_a_matte_is_no_light(tmp_path: Path) -> None:
    master = master_of(tmp_path, "gray")
    deliver(master, tmp_path / "matte", DeliveryCodec.EXR_SEQUENCE, light=False)
    amounts = exr(tmp_path / "matte" / "matte.000001.exr")
    expected = pictures_of(master)[0].planes[0] / 255
    np.testing.assert_allclose(amounts, np.dstack([expected] * 3), atol=1e-3)


def test_our_own_exr_can_be_brought_back_as_a_clip(tmp_path: Path) -> None:
    master = master_of(tmp_path, "gbrp16le", ColourTags("bt709", "iec61966-2-1", "gbr", "pc"))
    deliver(master, tmp_path / "shot", DeliveryCodec.EXR_SEQUENCE)
    for before, after in zip(pictures_of(master), pictures_of(tmp_path / "shot"), strict=True):
        for one, other in zip(before.planes, after.planes, strict=True):
            assert np.abs(one.astype(int) - other).max() < 65535 / 400


def test_gray_png_is_one_channel(tmp_path: Path) -> None:
    master = master_of(tmp_path, "gray")
    deliver(master, tmp_path / "matte", DeliveryCodec.PNG_SEQUENCE)
    found = cv2.imread(str(tmp_path / "matte" / "matte.000002.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found, pictures_of(master)[1].planes[0])


def test_dnxhr_is_10_bits_and_refuses_what_is_too_small_for_it(tmp_path: Path) -> None:
    out = tmp_path / "out.mov"
    deliver(master_of(tmp_path, "yuv444p12le", size=FrameSize(257, 121)), out, DeliveryCodec.DNXHR_HQX)
    info = probe(out)
    assert (info.codec, info.pix_fmt, info.size) == ("dnxhd", "yuv422p10le", (258, 121))
    assert info.colour == HD
    small = tmp_path / "small"
    small.mkdir()
    with pytest.raises(
        UnsupportedMedia, match=r"DNxHR begins at 256 x 120; this is 64 x 48\. Choose ProRes\."
    ):
        deliver(master_of(small, "yuv420p"), small / "out.mov", DeliveryCodec.DNXHR_HQX)
    assert [file.name for file in small.iterdir()] == ["master.mkv"]


@pytest.mark.parametrize("codec", list(DeliveryCodec))
def test_what_comes_back_wrong_is_not_put_in_place(
    tmp_path: Path, codec: DeliveryCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk, or the encoder, shows another picture than it was given."""
    master = master_of(tmp_path, "yuv420p", size=LARGE)
    out = tmp_path / f"out{codec.suffix}"
    out.write_bytes(b"the take before") if codec.suffix else out.mkdir()

    def stained(picture: Picture) -> Picture:
        planes = [plane.copy() for plane in picture.planes]
        planes[0][40:72, 100:132] = 255 if planes[0].dtype == np.uint8 else 900
        return Picture(tuple(planes), picture.pix_fmt)

    monkeypatch.setattr(encode, "frame_of", lambda picture: frame_of(stained(picture)))
    monkeypatch.setattr(
        sequence.Png,
        "encoded",
        lambda self, samples, number: png(self, np.where(samples > 9, samples, 9), number),
    )
    monkeypatch.setattr(
        sequence.Exr,
        "encoded",
        lambda self, samples, number: exr_of(self, samples * np.float16(1.01), number),
    )
    monkeypatch.setattr("understudy_engine.media.deliver.atomic_file", stained_file)
    with pytest.raises(CorruptMedia, match=r"[Ee]xport again"):
        deliver(master, out, codec)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["master.mkv", out.name]
    assert out.read_bytes() == b"the take before" if codec.suffix else not list(out.iterdir())


class StainedFile:
    def __init__(self, file: BinaryIO) -> None:
        self.name, self.flush = file.name, file.flush
        self.write = lambda data: file.write(bytes(len(data)))


@contextmanager
def stained_file(path: Path) -> Iterator[StainedFile]:
    with atomic_file(path) as file:
        yield StainedFile(file)


frame_of, png, exr_of = pixels.frame_of, sequence.Png.encoded, sequence.Exr.encoded


@pytest.mark.parametrize("codec", list(DeliveryCodec))
def test_progress_rises_to_the_end_and_may_stop_the_work(tmp_path: Path, codec: DeliveryCodec) -> None:
    master = master_of(tmp_path, "yuv420p", size=LARGE)
    told: list[float] = []
    deliver(master, tmp_path / f"out{codec.suffix}", codec, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)

    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(master, tmp_path / f"other{codec.suffix}", codec, progress=stop)
    assert len(list(tmp_path.iterdir())) == 2


def test_psnr_sees_shifted_ranges_and_wrong_pictures_but_not_grain() -> None:
    rng = np.random.default_rng(0)
    luma = rng.integers(100, 120, (64, 64)).astype(np.uint8)
    one = Picture((luma,), "gray")
    assert psnr(one, one) == float("inf")
    assert psnr(one, Picture((luma.astype(np.uint16) * 257,), "gray16le")) > 100
    grain = np.clip(luma + rng.normal(0, 6, luma.shape), 0, 255).astype(np.uint8)
    assert psnr(one, Picture((grain,), "gray")) > encode.PSNR_FLOOR_DB
    squeezed = (luma * (219 / 255) + 16).astype(np.uint8)
    assert psnr(one, Picture((np.roll(squeezed, 1),), "gray")) > 0
    assert psnr(one, Picture((luma + np.uint8(8),), "gray")) < encode.PSNR_FLOOR_DB


def test_equal_pictures_make_equal_bytes_and_digests(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        master_of(tmp_path / name, "yuv420p10le")
    one, other = (tmp_path / name / "master.mkv" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    assert picture_digest(one) == picture_digest(other)
    changed = pictures_of(one)
    changed[1].planes[2][3, 3] ^= 1
    write_layer(other, changed, rate=RATE, colour=HD)
    assert picture_digest(one) != picture_digest(other)


def test_the_digest_is_of_samples_whatever_the_file(tmp_path: Path) -> None:
    master = master_of(tmp_path, "gbrp16le")
    deliver(master, tmp_path / "shot", DeliveryCodec.PNG_SEQUENCE)
    rgb = [Picture((np.dstack([r, g, b]),), "rgb48le") for g, b, r in (p.planes for p in pictures_of(master))]
    write_layer(tmp_path / "packed.mkv", rgb, rate=Fraction(25), colour=ColourTags())
    assert (
        picture_digest(tmp_path / "packed.mkv") == picture_digest(master) == picture_digest(tmp_path / "shot")
    )
