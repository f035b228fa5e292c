"""understudy blender-batch."""

from __future__ import annotations

import os
import shutil
import subprocess
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from understudy_api.errors import InvalidRequest, JobFailed, NotFound

from .exits import reported
from .launch import connect_or_start
from .options import AsJson
from .voice import Voice

TOLD = ("Info: ", "Error: ")  # what an operator reports, as Blender prints it


class Mode(StrEnum):
    REPLACE = "replace"
    ANIMATE = "animate"


@reported
def blender_batch(
    file: Annotated[Path, typer.Argument(help="A .blend whose jobs are to be done.", metavar="FILE.blend")],
    strip: Annotated[
        str, typer.Option(help="Begin a job of this movie or scene strip too, by its name.", metavar="NAME")
    ] = "",
    mode: Annotated[Mode, typer.Option(help="What that job is.")] = Mode.REPLACE,
    character: Annotated[
        Path | None,
        typer.Option(help="That job's picture; left out, the file's own choice.", metavar="PICTURE"),
    ] = None,
    blender: Annotated[
        str,
        typer.Option(
            help="The Blender program, with the extension installed. Left out, it is looked for on PATH."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Does a .blend's unfinished jobs without a window, and saves it with the results on its timeline.

    understudy blender-batch shot.blend
    understudy blender-batch shot.blend --strip plate --mode animate --character hero.png
    """
    voice = Voice(as_json=as_json)
    if not file.is_file():
        raise NotFound(f"There is no file {file}. Check the path.", metadata={"path": str(file)})
    if character and not strip:
        raise InvalidRequest("A character goes with a strip. Name the strip too, with --strip.")
    program = find_blender(blender)
    client, _ = connect_or_start(voice)
    client.close()
    voice.say(f"{program} works on {file}.")
    asked = {"strip": strip, "mode": mode.value, "filepath": str(character.resolve()) if character else ""}
    told = run(program, file, asked if strip else {})
    voice.data({"file": str(file), "told": told})
    for line in told:
        voice.result(line)


def find_blender(named: str) -> str:
    """The Blender program *named*, or the one on PATH. Raises NotFound."""
    found = shutil.which(str(Path(named).expanduser()) if named else "blender")
    if found is None:
        raise NotFound(
            f"{named or 'blender'} cannot be run. Name the Blender program with --blender.",
            reason="PROGRAM_MISSING",
        )
    return found


def run(program: str, file: Path, asked: dict[str, str]) -> list[str]:
    """What Blender told of the jobs of *file*; with *asked*, also of a job that is begun.

    Raises:
        JobFailed: a job failed, or Blender did.
    """
    options = ", ".join(f"{name}={value!r}" for name, value in asked.items() if value)
    call = f"bpy.ops.understudy.batch(save=True{', ' if options else ''}{options})"
    command = [
        program,
        "--background",
        str(file),
        "--python-exit-code",
        "1",
        "--python-expr",
        f"import bpy; {call}",
    ]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=_environment()
    )
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(TOLD)]
    if done.returncode == 0:
        return [line.removeprefix("Info: ") for line in told]
    if "understudy" in done.stdout and "could not be found" in done.stdout:
        raise JobFailed(f"{program} has no Understudy extension. Install it there: docs/blender.md says how.")
    why = next((line.rpartition("Error: ")[2] for line in reversed(lines) if "Error: " in line), "")
    raise JobFailed(why or f"Blender ended with exit code {done.returncode}: {lines[-1] if lines else ''}")


def _environment() -> dict[str, str]:
    """Ours, without what would make Blender's Python load our modules."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
