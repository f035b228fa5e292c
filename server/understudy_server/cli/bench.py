"""understudy bench: how near nano comes to the truth, how exactly passes are found, how fast the 14B model is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from understudy_api.errors import InvalidRequest

from .exits import reported
from .options import AsJson
from .voice import Voice

app = typer.Typer(help="Measure this version.", no_args_is_help=True)


@app.callback()
def _top() -> None: ...


@app.command()
@reported
def quality(
    clips: Annotated[int, typer.Option(help="How many of the 64 held-out clips.", min=1, max=64)] = 64,
    frames: Annotated[
        int | None,
        typer.Option(help="Length of every clip; otherwise two segments, and five of each eighth.", min=1),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder of nano's weights; otherwise those in the package.", exists=True, file_okay=False
        ),
    ] = None,
    meters: Annotated[
        Path | None, typer.Option(help="Folder of the nets that read pose and expression.", file_okay=False)
    ] = None,
    docs: Annotated[
        Path, typer.Option(help="Where benchmarks/quality.json and the gallery go.", metavar="FOLDER")
    ] = Path("docs"),
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that share the clips: about one for each CPU core keeps a GPU busy.", min=1
        ),
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Renders held-out clips, swaps them in every way of the table, and compares the results with the truth.

    A whole table wants a GPU; --clips 2 takes minutes on a CPU. Rows that lack their weights are named and left out.
    """
    voice = Voice(as_json=as_json)
    _refuse_missing(docs)
    from understudy_engine.bench.publish import publish
    from understudy_engine.bench.report import lines

    made = publish(
        docs,
        clips=clips,
        frames=frames,
        weights=weights,
        meters=_meters(meters, voice),
        device=device,
        workers=workers,
        tell=voice.say,
    )
    voice.data(made.data)
    for line in lines(made.report):
        voice.result(line, style="")
    voice.result(str(made.figures), "Figures")
    voice.result(str(made.page), "Gallery")


@app.command()
@reported
def passes(
    frames: Annotated[int, typer.Option(help="Length of the timed clip.", min=1)] = 164,
    threads: Annotated[int, typer.Option(help="Threads of either way, on as many cores.", min=1)] = 2,
    repeats: Annotated[int, typer.Option(help="Runs of either way; the median counts.", min=1)] = 3,
    clips: Annotated[
        int, typer.Option(help="Held-out clips for accuracy; 0 leaves it out.", min=0, max=100)
    ] = 12,
    clip: Annotated[
        Path | None, typer.Option(help="A clip of yours to time; otherwise one is drawn.", exists=True)
    ] = None,
    docs: Annotated[
        Path, typer.Option(help="Where benchmarks/passes.json and benchmarks.md are.", metavar="FOLDER")
    ] = Path("docs"),
    as_json: AsJson = False,
) -> None:
    """Finds one person's points and matte as the reference works and as a job does, and compares speed and results.

    Wants a machine that does nothing else: minutes on two cores. Accuracy is measured on drawn clips whose truth is
    known.
    """
    voice = Voice(as_json=as_json)
    _refuse_missing(docs)
    from understudy_engine.bench.passes import lines, publish

    data = publish(
        docs, frames=frames, threads=threads, repeats=repeats, clips=clips, clip=clip, tell=voice.say
    )
    voice.data(data)
    for line in lines(data):
        voice.result(line, style="")


@app.command()
@reported
def speed(
    seconds: Annotated[float, typer.Option(help="Begin no measurement after that long.", min=1)] = 540,
    measured: Annotated[
        Path | None,
        typer.Option(
            help="A speed.json of another machine: writes its tables, measures nothing.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    docs: Annotated[
        Path, typer.Option(help="Where benchmarks/speed_h200.json and benchmarks.md are.", metavar="FOLDER")
    ] = Path("docs"),
    as_json: AsJson = False,
) -> None:
    """Measures the 14B model with random weights on an H100 or H200: steps, VAE, errors, beside diffusers if it is
    installed.

    Takes about 7 minutes and 100 GB of the card.
    """
    voice = Voice(as_json=as_json)
    _refuse_missing(docs)
    from understudy_engine.bench.speed.table import lines, publish

    data = publish(docs, measured=measured, seconds=seconds, tell=voice.say)
    voice.data(data)
    for line in lines(data):
        voice.result(line, style="")


def _refuse_missing(docs: Path) -> None:
    """Raises InvalidRequest."""
    if not docs.is_dir():
        raise InvalidRequest(
            f"There is no folder {docs}. Run from the repository, or name another with --docs.",
            metadata={"field": "docs"},
        )


def _meters(folder: Path | None, voice: Voice) -> Path | None:
    """Where the nets that measure are, or a word that pose and expression are not measured without them."""
    from understudy_engine.errors import WeightsMissing
    from understudy_engine.training.measure.people import METERS, load_meters

    try:
        load_meters(folder or METERS)
    except WeightsMissing as missing:
        if folder is not None:
            raise
        voice.warn(str(missing))
        return None
    return folder or METERS
