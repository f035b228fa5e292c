"""understudy blender-batch, with a program that writes down how it was called in Blender's place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from understudy_api.errors import JobFailed, NotFound
from understudy_server.cli import blender_batch


@pytest.fixture
def blender(tmp_path: Path) -> Path:
    path = tmp_path / "blender"
    path.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        "here = pathlib.Path(__file__).parent\n"
        "(here / 'called').write_text('\\n'.join(sys.argv[1:]))\n"
        "print((here / 'says').read_text())\n"
        "sys.exit(int((here / 'ends').read_text()))\n",
        "utf-8",
    )
    path.chmod(0o755)
    return path


def says(blender: Path, text: str, code: int = 0) -> None:
    (blender.parent / "says").write_text(text, "utf-8")
    (blender.parent / "ends").write_text(str(code), "utf-8")


def test_blender_is_asked_to_finish_the_files_jobs_and_to_save(blender: Path, tmp_path: Path) -> None:
    says(blender, "Blender 5.2.2\nInfo: 2 jobs finished\n")
    assert blender_batch.run(str(blender), tmp_path / "shot.blend", {}) == ["2 jobs finished"]
    called = (tmp_path / "called").read_text("utf-8").splitlines()
    assert called[:2] == ["--background", str(tmp_path / "shot.blend")]
    assert called[-1] == "import bpy; bpy.ops.understudy.batch(save=True)"


def test_a_strip_and_its_picture_are_named_as_they_are(blender: Path, tmp_path: Path) -> None:
    says(blender, "")
    blender_batch.run(str(blender), tmp_path, {"strip": 'it\'s "one"', "mode": "animate", "filepath": ""})
    call = (tmp_path / "called").read_text("utf-8").splitlines()[-1]
    asked: dict[str, object] = {}
    exec(call.replace("import bpy; bpy.ops.understudy.batch", "asked.update"), {"asked": asked})
    assert asked == {"save": True, "strip": 'it\'s "one"', "mode": "animate"}


def test_what_a_job_failed_with_is_told(blender: Path, tmp_path: Path) -> None:
    says(blender, "RuntimeError: Error: clip: Segment 2 came out as 12 values that are no numbers.\n", 1)
    with pytest.raises(JobFailed, match=r"^clip: Segment 2 came out as 12 values that are no numbers\.$"):
        blender_batch.run(str(blender), tmp_path, {})


def test_a_blender_without_the_extension_is_told_of(blender: Path, tmp_path: Path) -> None:
    says(
        blender, 'AttributeError: Calling operator "bpy.ops.understudy.batch" error, could not be found\n', 1
    )
    with pytest.raises(JobFailed, match="has no Understudy extension"):
        blender_batch.run(str(blender), tmp_path, {})


def test_a_program_that_is_not_there_is_told_of() -> None:
    with pytest.raises(NotFound, match="/nowhere/blender cannot be run"):
        blender_batch.find_blender("/nowhere/blender")
