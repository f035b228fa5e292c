"""understudy analyses: list, fetch, delete: those that plugins had a server make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from understudy_api.client import Client
from understudy_api.errors import NotFound
from understudy_api.v1 import analysis_pb2, result_pb2

from .exits import reported
from .launch import connect
from .options import AsJson
from .voice import Voice, as_data

app = typer.Typer(no_args_is_help=True, help="What clips show, as plugins had it found and put right.")

SHEET = "contact_sheet.jpg"
JPEG = result_pb2.FRAME_ENCODING_JPEG
Name = Annotated[str, typer.Argument(help="As `understudy analyses list` shows it.", metavar="ANALYSIS")]


@app.command("list")
@reported
def list_analyses(
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """Lists the server's analyses, the newest first."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        found = [analysis for analysis, _ in zip(client.analyses(), range(limit), strict=False)]
        clips = {clip: _file_name(client, clip) for clip in {one.spec.clip for one in found}}
    voice.data({"analyses": [as_data(analysis) for analysis in found]})
    if not as_json:
        voice.out.print(_table(found, clips) if found else "No analyses.")


@app.command()
@reported
def fetch(
    name: Name,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", "--out", help="The folder to write into.", metavar="FOLDER"),
    ],
    as_json: AsJson = False,
) -> None:
    """Writes the passes of an analysis, with all that was put right in it, into a folder for --passes.

    understudy analyses fetch 3f1c… -o passes
    understudy replace plate.mov hero.png -o swapped.mp4 --passes passes
    """
    voice, folder = Voice(as_json=as_json), output.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with connect() as client:
        analysis = client.wait_for_analysis(full_name(name))
        fetched = [_fetched(client, media, folder) for _, media in analysis.passes.ListFields()]
        sheet = client.analysis_picture(analysis.name, encoding=JPEG)
    (folder / SHEET).write_bytes(sheet.data)
    voice.data({"analysis": as_data(analysis), "files": [str(file) for file in (*fetched, folder / SHEET)]})
    voice.result(f"{', '.join(file.name for file in fetched)} in {folder}", "Passes")
    voice.result(str(folder / SHEET), "Contact sheet")


@app.command()
@reported
def delete(name: Name, as_json: AsJson = False) -> None:
    """Forgets an analysis with all that was put right in it."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        client.delete_analysis(full_name(name))
    voice.data({"deleted": full_name(name)})
    voice.result(f"{full_name(name)} is deleted.")


def full_name(name: str) -> str:
    return name if name.startswith("analyses/") else f"analyses/{name}"


def _file_name(client: Client, clip: str) -> str:
    try:
        return client.media(clip).display_name
    except NotFound:  # the server was told to forget it
        return ""


def _fetched(client: Client, media: str, folder: Path) -> Path:
    return client.download(media, folder / client.media(media).display_name)


def _table(analyses: list[analysis_pb2.Analysis], clips: dict[str, str]) -> Table:
    table = Table("analysis", "clip", "frames", "state", "person", "changes", "made", box=None)
    for one in analyses:
        frames, made = one.spec.range, one.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M")
        table.add_row(
            one.name,
            Text(clips[one.spec.clip]),
            f"{frames.start}:{frames.end}",
            analysis_pb2.AnalysisState.Name(one.state).removeprefix("ANALYSIS_STATE_").lower(),
            ", ".join(one.chosen),
            str(one.revision - 1),
            f"{made} UTC",
        )
    return table
