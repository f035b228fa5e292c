"""understudy demo: a whole Replace through the real server, with nothing but this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from understudy_api.client import Client
from understudy_api.errors import InvalidRequest

from .asked import Swap
from .exits import reported
from .launch import connect_or_start
from .options import AsJson
from .running import end_server, follow, report, say_notice
from .specs import find_passes, replace_spec
from .voice import Voice


@reported
def demo(
    folder: Annotated[
        Path, typer.Option(help="Where everything goes. An earlier demo there is replaced.", metavar="FOLDER")
    ] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Another number films another shot.", min=0)] = 11,
    frames: Annotated[
        int, typer.Option(help="Length of the shot, at 24 frames a second.", min=1, max=480)
    ] = 49,
    steps: Annotated[int | None, typer.Option(help="Denoising steps a segment.", min=1, max=100)] = None,
    as_json: AsJson = False,
) -> None:
    """Films a small shot on this computer and swaps its performer, through a server of its own.

    Needs no files, no network and no GPU, and takes about a minute. Look at FOLDER/side_by_side.png, and at the
    movie beside it.
    """
    voice = Voice(as_json=as_json)
    folder = folder.expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise InvalidRequest(f"{folder} is a file. Choose another --folder.", metadata={"field": "folder"})
    folder.mkdir(parents=True, exist_ok=True)
    voice.say("Filming a shot.")
    from understudy_engine.training import render_shot

    from .demo_files import side_by_side, write_demo

    files = write_demo(render_shot(seed, frames=frames), folder)
    swap = Swap(
        clip=files.clip,
        character=files.character,
        output=folder / "result.mp4",
        passes=find_passes(files.passes),
        steps=steps,
        overwrite=True,
    )
    with _own_server(folder, voice) as client:
        notice = say_notice(client, swap.model, voice)
        job = client.create_job(replace_spec(client, swap), display_name="demo")
        job = follow(client, job.name, voice)
        made = side_by_side(files, swap.output, folder)
        shown = {"side_by_side": str(made.picture), "side_by_side_movie": str(made.movie)}
        report(client, job, voice, notice=notice, **shown)
    voice.result(str(made.picture), "Side by side")
    voice.result(str(made.movie), "The same as a movie")


@contextmanager
def _own_server(folder: Path, voice: Voice) -> Iterator[Client]:
    """A server for the demo alone, so that one in use is left as it is. It ends with the demo."""
    data_folder = folder / "server"
    client, _ = connect_or_start(voice, shared=[folder], folder=data_folder)
    try:
        with client:
            yield client
    finally:
        end_server(voice, data_folder)
