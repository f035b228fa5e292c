"""`understudy blender-batch` with a real Blender program: the one on PATH, or UNDERSTUDY_BLENDER."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.support.process import Server

ROOT = Path(__file__).resolve().parents[3]
BLENDER = os.environ.get("UNDERSTUDY_BLENDER") or shutil.which("blender") or ""
BUILT = sorted((ROOT / "dist").glob("understudy-*-linux-x64.zip"))

pytestmark = pytest.mark.skipif(
    not (BLENDER and BUILT), reason="no blender program is here, or no extension in dist/ (make plugins)"
)

SET_UP = """
import bpy
scene = bpy.context.scene
scene.render.fps, scene.render.fps_base = 24, 1.0
editor = scene.sequence_editor_create()
strips = editor.strips if hasattr(editor, "strips") else editor.sequences
strips.new_movie("plate", {clip!r}, 2, 11)
scene.understudy.passes_folder = {passes!r}
bpy.ops.wm.save_as_mainfile(filepath={file!r})
"""
LOOK = """
import bpy
editor = bpy.context.scene.sequence_editor
strips = editor.strips if hasattr(editor, "strips") else editor.sequences
[made] = [strip for strip in strips if "understudy_id" in strip]
print("made:", [each.filename for each in made.elements] == [f"{n:06d}.png" for n in range(24)])
"""


def blender(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [BLENDER, *arguments], env=surroundings(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def surroundings(folder: Path) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**known, "BLENDER_USER_RESOURCES": str(folder / "blender")}


def test_a_job_of_a_strip_is_made_and_saved_into_the_file(
    server: Server, footage: Path, tmp_path: Path
) -> None:
    archive, file = shutil.copy(BUILT[0], tmp_path), tmp_path / "shot.blend"
    blender(tmp_path, "--command", "extension", "install-file", "-r", "user_default", "-e", str(archive))
    scene = SET_UP.format(clip=str(footage / "clip.mkv"), passes=str(footage / "passes"), file=str(file))
    blender(tmp_path, "--background", "--python-exit-code", "1", "--python-expr", scene)
    asked = ["--blender", BLENDER, "--strip", "plate", "--character", str(footage / "hero.png")]
    said = subprocess.run(
        [sys.executable, "-m", "understudy_server", "blender-batch", str(file), *asked],
        env={**surroundings(tmp_path), "UNDERSTUDY_HOME": str(server.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "1 job finished" in said.stdout
    looked = blender(tmp_path, "--background", str(file), "--python-exit-code", "1", "--python-expr", LOOK)
    assert "made: True" in looked
