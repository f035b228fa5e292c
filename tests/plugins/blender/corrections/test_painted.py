"""Pictures of a matte that somebody has changed are told from those that were fetched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.plugins.blender.support.extension import load

painted = load("corrections.painted")
encode_png = load("png").encode_png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for frame in (7, 8, 9):
        (tmp_path / f"{frame:06d}.png").write_bytes(encode_png(np.full((4, 6), frame, np.uint8)))
    painted.remember(tmp_path)
    return tmp_path


def test_nothing_has_changed_at_first(folder: Path) -> None:
    assert painted.changed(folder) == {}


def test_a_picture_that_was_painted_over_is_found_by_its_frame(folder: Path) -> None:
    path = folder / "000008.png"
    path.write_bytes(encode_png(np.zeros((4, 6), np.uint8)))
    assert painted.changed(folder) == {8: path}


def test_a_picture_that_was_saved_as_it_was_has_not_changed(folder: Path) -> None:
    path = folder / "000008.png"
    path.write_bytes(path.read_bytes())
    assert painted.changed(folder) == {}


def test_what_was_sent_is_known_from_then_on(folder: Path) -> None:
    (folder / "000008.png").write_bytes(encode_png(np.zeros((4, 6), np.uint8)))
    painted.remember(folder)
    assert painted.changed(folder) == {}


def test_a_picture_that_is_gone_and_one_that_was_never_fetched_do_not_count(folder: Path) -> None:
    (folder / "000008.png").unlink()
    (folder / "000077.png").write_bytes(encode_png(np.zeros((4, 6), np.uint8)))
    assert painted.changed(folder) == {}


def test_size_and_kind_are_read_from_the_picture() -> None:
    grey, colour = encode_png(np.zeros((4, 6), np.uint8)), encode_png(np.zeros((4, 6, 3), np.uint8))
    assert painted.size_of(grey) == painted.size_of(colour) == (6, 4)
    assert painted.is_grey(grey)
    assert not painted.is_grey(colour)
