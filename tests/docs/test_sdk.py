"""The programs of docs/sdk, run as they are against a real server with the tiny engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.server.cli.conftest import FRAMES, Shot, environment, write_png

SDK = Path(__file__).resolve().parents[2] / "docs" / "sdk"


def run(home: Path, program: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SDK / program), *map(str, arguments)],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def submitted(server_home: Path, shot: Shot, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the jobs that the first program has handed in, which have ended."""
    folder = tmp_path_factory.mktemp("reel") / "reel"
    for name in ("sh010", "sh020"):
        (folder / name).mkdir(parents=True)
        shutil.copy(shot.clip, folder / name / "clip.mp4")
        shutil.copy(shot.character, folder / name / "character.png")
        for file in shot.passes.iterdir():
            shutil.copy(file, folder / name)
    shutil.copytree(folder / "sh010", folder / "sh030")
    write_png(folder / "sh030" / "matte.png", np.zeros((64, 64), np.uint8))
    results = folder.parent
    said = run(server_home, "submit_folder.py", folder, results)
    assert "sh030: not handed in" in said
    assert "The matte is black" in said
    watched = run(server_home, "watch_all.py", "folder=reel")
    assert "sh010: succeeded, 100%" in watched
    assert (results / "sh010.mov").stat().st_size > 0
    assert (results / "sh020.mov").stat().st_size > 0
    return re.findall(r"jobs/[0-9a-f]+", said)


def test_a_folder_is_handed_in_and_watched_to_its_end(submitted: list[str]) -> None:
    assert len(submitted) == 2


def test_mattes_are_fetched_and_fetching_goes_on_where_it_was(
    server_home: Path,
    submitted: list[str],
    tmp_path: Path,
) -> None:
    run(server_home, "fetch_mattes.py", submitted[0], tmp_path)
    files = sorted(tmp_path.glob("matte.*.png"))
    assert [file.name for file in files] == [f"matte.{i:06d}.png" for i in range(FRAMES)]
    contents = [file.read_bytes() for file in files]
    for file in files[4:]:
        file.unlink()
    os.utime(files[0], (0, 0))
    run(server_home, "fetch_mattes.py", submitted[0], tmp_path)
    assert [file.read_bytes() for file in files] == contents
    assert files[0].stat().st_mtime == 0  # what was there was left alone


def test_the_newest_take_is_chosen_and_exported(
    server_home: Path,
    submitted: list[str],
    tmp_path: Path,
) -> None:
    said = run(server_home, "export_take.py", submitted[0], tmp_path / "hero.mov")
    assert "take 1 differs from take 1 in 0 frames" in said
    assert (tmp_path / "hero.mov").stat().st_size > 0


def test_the_page_names_every_program_and_nothing_else() -> None:
    named = set(re.findall(r"\]\((\w+\.py)\)", (SDK / "README.md").read_text("utf-8")))
    assert named == {file.name for file in SDK.glob("*.py")}
