# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a .blend in another Blender. Called on threads; knows nothing of bpy while it is the extension's.

As a program, that other Blender runs it: ``blender -b … --python rendering.py -- FILE.blend``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

OPTIONS = ("--background", "--factory-startup", "-noaudio", "--python-exit-code", "1", "--python")

DEEP_MOVIES = (5, 0, 0)  # 4.2 writes movies of 8 bits alone, and 4.5 deeper ones of a single frame
MARK = "understudy_plate"  # of the scene to be rendered


def render(
    program: list[str],
    blend: Path,
    made: Path,
    tell: Callable[[int], None],
    is_wanted: Callable[[], bool],
) -> None:
    """Renders the scene of *blend* that has our mark until *made*, the last of its files, is there.

    *tell* is told each frame that is rendered.

    Raises:
        OSError: it did not come about.
    """
    if made.is_file() and not blend.exists():
        return  # by an earlier try at this job
    command = [*program, str(Path(__file__)), "--", str(blend)]
    ending = ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not is_wanted():
                process.kill()
                break
            if found := re.search(r"(?:Fra:|[Ff]rame )(\d+)", line):
                tell(int(found[1]))
            elif line.strip():
                ending = line.strip()
    if process.returncode == 0 and made.is_file():
        blend.unlink()
    elif is_wanted():
        raise OSError(f"Blender could not render it: {ending or process.returncode}")


def _main(blend: str) -> None:
    import bpy

    bpy.ops.wm.open_mainfile(filepath=blend)
    [scene] = [scene for scene in bpy.data.scenes if MARK in scene]
    settings = scene.render.image_settings
    if settings.file_format == "FFMPEG" and bpy.app.version >= DEEP_MOVIES and _shows_more_than_8_bits(scene):
        settings.color_depth = "16"
    bpy.ops.render.render(animation=True, scene=scene.name)
    sys.stdout.flush()
    os._exit(0)  # some Blenders hang or crash in their own exit


def _shows_more_than_8_bits(scene: Any) -> bool:
    import bpy

    for strip in scene.sequence_editor.strips_all:
        if strip.type == "SCENE":
            return True
        if strip.type == "MOVIE":
            first = bpy.data.images.load(strip.filepath)
            if first.pixels[0] is not None and first.is_float:  # which is known once its pixels were read
                return True
    return False


if __name__ == "__main__":
    _main(sys.argv[sys.argv.index("--") + 1])
