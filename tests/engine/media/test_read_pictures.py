"""A folder of numbered pictures, or one picture, is a clip too: complete, turned as it should be, exact."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.engine.media.clips import (
    SIZE,
    number_in,
    numbered_rgb,
    png_of,
    shown_number,
)
from understudy_engine.errors import (
    CorruptMedia,
    UnsupportedMedia,
)
from understudy_engine.media.read import Clip, open_clip, probe
from understudy_engine.media.rgb import read_picture, to_rgb
from understudy_engine.types import FrameRange, FrameSize


def numbers(clip: Clip, start: int, end: int) -> list[int]:
    return [number_in(picture) for picture in clip.read(FrameRange(start, end))]


def save(path: Path, number: int, size: FrameSize = SIZE) -> Path:
    assert cv2.imwrite(str(path), numbered_rgb(number, size)[..., ::-1])
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "webp"])
def test_folder_of_numbered_pictures_is_a_clip(tmp_path: Path, suffix: str) -> None:
    for k in range(12):
        save(tmp_path / f"shot_v2.{998 + k}.{suffix}", k)
    (tmp_path / "notes.txt").write_text("not a picture")
    with open_clip(tmp_path) as clip:
        assert (clip.info.frame_count, clip.info.rate, clip.info.size) == (12, None, SIZE)
        assert [shown_number(to_rgb(p, clip.info.colour)) for p in clip.read(FrameRange(3, 12))] == [
            *range(3, 12)
        ]


def test_gaps_in_a_sequence_are_named(tmp_path: Path) -> None:
    for k in (1, 2, 5, 6):
        save(tmp_path / f"a.{k:04d}.png", k)
    with pytest.raises(CorruptMedia, match="lacks 2 pictures: 3, 4"):
        probe(tmp_path)


def test_enormous_gap_is_counted_not_listed(tmp_path: Path) -> None:
    for k in (1, 3_000_000_000):
        save(tmp_path / f"a.{k}.png", 0)
    with pytest.raises(CorruptMedia, match=r"lacks 2999999998 pictures: 2, 3, 4, 5, 6, 7, \.\.\."):
        probe(tmp_path)


def test_two_sequences_in_one_folder_are_refused_by_name(tmp_path: Path) -> None:
    for k in range(2):
        save(tmp_path / f"a{k}.png", k)
        save(tmp_path / f"b{k}.png", k)
    with pytest.raises(UnsupportedMedia, match=r"2 picture sequences \(a#.png, b#.png\)"):
        probe(tmp_path)


def test_picture_of_another_size_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a1.png", 1)
    save(tmp_path / "a2.png", 2, FrameSize(32, 32))
    with open_clip(tmp_path) as clip, pytest.raises(UnsupportedMedia, match=r"a2\.png is 32 x 32"):
        list(clip.read(FrameRange(0, 2)))


def test_one_picture_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    with open_clip(save(tmp_path / "still.png", 77)) as clip:
        assert (clip.info.frame_count, clip.info.rate) == (1, None)
        (picture,) = clip.read(FrameRange(0, 1))
        assert shown_number(to_rgb(picture, clip.info.colour)) == 77


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    """All eight of the EXIF standard, as another reader of EXIF (OpenCV) turns them."""
    picture = numbered_rgb(0b0100_0110)
    picture[:8, :8] = (255, 0, 0)
    plain = tmp_path / "plain.jpg"
    cv2.imwrite(str(plain), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    data = plain.read_bytes()
    tiff = (
        b"MM\0*\0\0\0\x08"
        + b"\0\x01"
        + b"\x01\x12\0\x03\0\0\0\x01"
        + bytes([0, orientation, 0, 0])
        + bytes(4)
    )
    exif = b"\xff\xe1" + (2 + 6 + len(tiff)).to_bytes(2, "big") + b"Exif\0\0" + tiff
    path = tmp_path / "turned.jpg"
    path.write_bytes(data[:2] + exif + data[2:])
    expected = np.asarray(cv2.imread(str(path)))[..., ::-1]
    found = read_picture(path)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 3


def test_exr_is_read_in_the_srgb_curve_and_says_so(tmp_path: Path) -> None:
    linear = np.full((8, 8), 0.18, np.float32)
    frame = av.VideoFrame(8, 8, "gbrpf32le")
    for plane in frame.planes:
        plane.update(linear.tobytes())
    context = av.CodecContext.create("exr", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 8, 8, "gbrpf32le", Fraction(1)
    path = tmp_path / "gray.exr"
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))
    info = probe(path)
    assert (info.pix_fmt, info.bit_depth, info.colour.transfer) == ("gbrp16le", 16, "iec61966-2-1")
    assert any("EXR" in note for note in info.notes)
    assert np.all(read_picture(path) == 118)  # 18 % gray in sRGB, IEC 61966-2-1


def test_transparency_lies_over_mid_grey(tmp_path: Path) -> None:
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[:2] = (10, 20, 200, 255)  # BGRA
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    rgb = read_picture(tmp_path / "a.png")
    assert np.all(rgb[:2] == (200, 20, 10))
    assert np.all(rgb[2:] == 128)


def test_deep_gray_and_palette_pictures_are_exact(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (7, 9, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), deep[..., ::-1])
    with open_clip(tmp_path / "deep.png") as clip:
        assert (clip.info.pix_fmt, clip.info.bit_depth) == ("rgb48le", 16)
        (picture,) = clip.read(FrameRange(0, 1))
    np.testing.assert_array_equal(picture.planes[0], deep)
    gray = deep[..., 0]
    cv2.imwrite(str(tmp_path / "gray.png"), gray)
    with open_clip(tmp_path / "gray.png") as clip:
        (picture,) = clip.read(FrameRange(0, 1))
    np.testing.assert_array_equal(picture.planes[0], gray)
    rows = b"".join(b"\0" + bytes([0, 1, 1, 0]) for _ in range(2))  # a filter byte, then palette numbers
    chunks = {"IHDR": struct.pack(">IIBBBBB", 4, 2, 8, 3, 0, 0, 0), "PLTE": bytes([255, 0, 0, 0, 9, 8])}
    (tmp_path / "palette.png").write_bytes(png_of(**chunks, IDAT=zlib.compress(rows), IEND=b""))
    red, other = (255, 0, 0), (0, 9, 8)
    np.testing.assert_array_equal(read_picture(tmp_path / "palette.png"), [[red, other, other, red]] * 2)
