"""Another Blender that renders, with a program in its place that does as it is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.plugins.blender.support.extension import load

rendering = load("rendering")


def program(folder: Path, body: str) -> list[str]:
    path = folder / "blender.py"
    path.write_text(f"import pathlib, sys, time\nhere = pathlib.Path({str(folder)!r})\n{body}\n", "utf-8")
    return [sys.executable, str(path)]


def render(folder: Path, body: str, wanted: bool = True) -> list[int]:
    told: list[int] = []
    (folder / "plate.blend").touch()
    command = program(folder, body)
    rendering.render(command, folder / "plate.blend", folder / "plate.mkv", told.append, lambda: wanted)
    return told


def test_frames_are_told_as_they_come_and_what_was_written_for_it_goes(tmp_path: Path) -> None:
    told = render(
        tmp_path, "print('Fra:11 Mem:3')\nprint('Video append frame 34')\n(here / 'plate.mkv').touch()"
    )
    assert told == [11, 34]
    assert not (tmp_path / "plate.blend").exists()


def test_a_second_try_takes_what_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "plate.mkv").touch()
    failing = program(tmp_path, "sys.exit(1)")
    rendering.render(failing, tmp_path / "plate.blend", tmp_path / "plate.mkv", print, lambda: True)


def test_a_render_that_fails_says_what_blender_said_last(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"could not render it: Error: no codec$"):
        render(tmp_path, "print('Error: no codec')\nsys.exit(1)")
    assert (tmp_path / "plate.blend").exists(), "it can be tried again"


def test_what_nobody_wants_any_more_is_stopped(tmp_path: Path) -> None:
    assert render(tmp_path, "print('Fra:11', flush=True)\ntime.sleep(60)", wanted=False) == []
