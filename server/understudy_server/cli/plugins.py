"""understudy plugins: the menu scripts of editors, put where the editor looks for them."""

from __future__ import annotations

from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated

import typer

from understudy_davinci.installing import checks
from understudy_davinci.installing import install as davinci
from understudy_davinci.installing.pythons import registered_here
from understudy_davinci.reach.places import Machine

from .exits import reported
from .options import AsJson
from .voice import Voice

app = typer.Typer(help="Installs Understudy in editors.", no_args_is_help=True)


class Editor(StrEnum):
    DAVINCI = "davinci"


Named = Annotated[Editor, typer.Argument(help="davinci: DaVinci Resolve. Blender's is a zip: make plugins.")]


@app.command()
@reported
def install(
    editor: Named,
    everyone: Annotated[
        bool,
        typer.Option("--all-users", help="Into every user's menu, which needs an administrator's rights."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Writes Understudy's scripts into Resolve's menu Workspace > Scripts.

    Run it again after an update, or when Understudy was moved.
    """
    voice, machine = Voice(as_json=as_json), Machine.here()
    done = davinci.install(machine, everyone=everyone)
    python = checks.menu_python(machine, registered_here)
    if python.verdict is checks.Verdict.MISSING:
        told = f"{python.topic}: {python.found}. {python.advice}"
        done = replace(done, warnings=(*done.warnings, told))
    _tell(voice, done, "written")
    voice.say("In Resolve: Workspace > Scripts > Understudy Replace. Not listed? understudy doctor --davinci")


@app.command()
@reported
def uninstall(editor: Named, as_json: AsJson = False) -> None:
    """Takes them out again, for this user and for all."""
    _tell(Voice(as_json=as_json), davinci.uninstall(Machine.here()), "removed")


@app.command("list")
@reported
def list_(as_json: AsJson = False) -> None:
    """Says where Understudy's scripts lie, and what they start."""
    voice = Voice(as_json=as_json)
    found = davinci.copies(Machine.here())
    for copy in found:
        voice.result(f"version {copy.version or '?'}, starts {copy.python or '?'}", str(copy.folder))
    if not found:
        voice.result("Nothing is installed. Run: understudy plugins install davinci")
    voice.data(
        [
            {"folder": str(copy.folder), "version": copy.version, "python": str(copy.python or "")}
            for copy in found
        ]
    )


def _tell(voice: Voice, done: davinci.Installed, word: str) -> None:
    for path in done.files:
        voice.result(str(path), word)
    if not done.files:
        voice.result(f"Nothing was {word}.")
    for warning in done.warnings:
        voice.warn(warning)
    voice.data({name: [str(each) for each in value] for name, value in asdict(done).items()})
