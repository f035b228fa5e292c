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

OPTIONS = ("--background", "--factory-startup", "-noaudio", "--python-exit-code", "1", "--python")

MARK = "understudy_plate"  # of the scene to be rendered


def render(
    program: list[str],
    blend: Path,
    movie: Path,
    first: int,
    frames: int,
    say: Callable[[str], None],
    is_wanted: Callable[[], bool],
) -> None:
    """Renders the scene of *blend* that has our mark, which writes *frames* frames from *first* on to *movie*.

    Raises:
        OSError: it did not come about.
    """
    if movie.is_file() and not blend.exists():
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
                done = int(found[1]) - first + 1
                say(f"rendering the strip, frame {min(max(done, 1), frames)} of {frames}")
            elif line.strip():
                ending = line.strip()
    if process.returncode == 0 and movie.is_file():
        blend.unlink()
    elif is_wanted():
        raise OSError(f"the strip could not be rendered: {ending or process.returncode}")


def _main(blend: str) -> None:
    import bpy

    bpy.ops.wm.open_mainfile(filepath=blend)
    [scene] = [scene for scene in bpy.data.scenes if MARK in scene]
    bpy.ops.render.render(animation=True, scene=scene.name)
    sys.stdout.flush()
    os._exit(0)  # some Blenders hang or crash in their own exit


if __name__ == "__main__":
    _main(sys.argv[sys.argv.index("--") + 1])
