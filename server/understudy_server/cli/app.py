"""The command `understudy`."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from .. import __version__
from . import (
    analyse,
    analyses,
    bench,
    blender_batch,
    demo,
    doctor,
    export,
    jobs,
    media,
    models,
    plugins,
    replay,
    serve,
    swap,
    takes,
)

HELP = """Character swaps on your own machine.

Replace: a character takes the place of the person in a clip.
Animate: a picture performs a clip's motion.
Try it without any files of yours: understudy demo
"""
EPILOG = (
    "Exit codes: 0 done · 1 the job failed · 2 a file or option cannot be used · 3 no server · "
    "4 a defect of ours · 130 Ctrl-C"
)

app = typer.Typer(
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...


app.command()(swap.replace)
app.command()(swap.animate)
app.command()(analyse.analyse)
app.add_typer(analyses.app, name="analyses")
app.add_typer(jobs.app, name="jobs")
app.add_typer(takes.app, name="takes")
app.add_typer(media.app, name="media")
app.command()(export.export)
app.command()(replay.replay)
app.add_typer(models.app, name="models")
app.command()(blender_batch.blender_batch)
app.add_typer(plugins.app, name="plugins")
app.command()(serve.serve)
app.command()(doctor.doctor)
app.command()(demo.demo)
app.add_typer(bench.app, name="bench")


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows pipe has few characters; a path must not end us
            stream.reconfigure(errors="replace")
    app(prog_name="understudy")
