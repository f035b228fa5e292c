"""A full disk is told in words and leaves nothing half-made."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.engine.media.clips import random_picture
from understudy_engine.errors import DiskFull
from understudy_engine.media.atomic import atomic_file, atomic_folder
from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import DeliveryCodec, deliver, join_master, write_layer
from understudy_engine.types import FrameRange, FrameSize, Picture

LIMIT_BYTES = 100_000


@contextmanager
def files_limited_to(limit_bytes: int) -> Iterator[None]:
    """Every write beyond *limit_bytes* of a file fails, as on a full disk."""
    resource = pytest.importorskip("resource", reason="only Unix limits the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def noise(frames: int) -> list[Picture]:
    rng = np.random.default_rng(0)
    return [random_picture(rng, "yuv420p", FrameSize(256, 128)) for _ in range(frames)]


def test_full_disk_while_a_layer_is_written(tmp_path: Path) -> None:
    with files_limited_to(LIMIT_BYTES), pytest.raises(DiskFull, match="disk is full") as caught:
        write_layer(tmp_path / "layer.mkv", noise(10), rate=Fraction(24), colour=ColourTags())
    assert list(tmp_path.iterdir()) == []
    assert int(caught.value.facts["free_bytes"]) > 0


def test_full_disk_at_the_very_end(tmp_path: Path) -> None:
    """The index, written on closing, is what does not fit."""
    write_layer(tmp_path / "whole.mkv", noise(4), rate=Fraction(24), colour=ColourTags())
    size = (tmp_path / "whole.mkv").stat().st_size
    with files_limited_to(size - 20), pytest.raises(DiskFull):
        write_layer(tmp_path / "layer.mkv", noise(4), rate=Fraction(24), colour=ColourTags())
    assert [path.name for path in tmp_path.iterdir()] == ["whole.mkv"]


@pytest.mark.parametrize("codec", list(DeliveryCodec))
def test_full_disk_while_delivering_keeps_what_was_there(tmp_path: Path, codec: DeliveryCodec) -> None:
    part, master = tmp_path / "part.mkv", tmp_path / "master.mkv"
    write_layer(part, noise(10), rate=Fraction(24), colour=ColourTags())
    join_master([part], master, clip=None, frames=FrameRange(0, 10))
    out = tmp_path / f"out{codec.suffix}"
    if codec.suffix:
        out.write_text("older")
    with files_limited_to(20_000), pytest.raises(DiskFull):
        deliver(master, out, codec)
    assert {path.name for path in tmp_path.iterdir()} - {out.name} == {"part.mkv", "master.mkv"}
    assert not codec.suffix or out.read_text() == "older"


def test_full_disk_while_joining(tmp_path: Path) -> None:
    part = tmp_path / "part.mkv"
    write_layer(part, noise(10), rate=Fraction(24), colour=ColourTags())
    with files_limited_to(LIMIT_BYTES), pytest.raises(DiskFull):
        join_master([part], tmp_path / "master.mkv", clip=None, frames=FrameRange(0, 10))
    assert [path.name for path in tmp_path.iterdir()] == ["part.mkv"]


def test_really_full_disk(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tiny disk can be mounted by root on Linux only")
    try:
        with pytest.raises(DiskFull):
            write_layer(tmp_path / "layer.mkv", noise(20), rate=Fraction(24), colour=ColourTags())
        assert list(tmp_path.iterdir()) == []
        write_layer(tmp_path / "layer.mkv", noise(2), rate=Fraction(24), colour=ColourTags())
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_folder_replaces_an_older_one_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    out.mkdir()
    (out / "old.txt").write_text("old")
    with atomic_folder(out) as folder:
        (folder / "new.txt").write_text("new")
        assert [path.name for path in out.iterdir()] == ["old.txt"]
    assert [path.name for path in out.iterdir()] == ["new.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_other_errors_pass_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_file(tmp_path / "file") as file:
        file.write(bytes(1 // 0))
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "nowhere" / "file"):
        pass
    assert list(tmp_path.iterdir()) == []
