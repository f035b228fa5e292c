"""understudy media: list, show, upload, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from understudy_api.v1 import media_pb2

from .exits import reported
from .launch import connect
from .options import AsJson
from .progress import rate_text
from .tables import kind_word, media_table
from .voice import Voice, as_data, size_text

app = typer.Typer(no_args_is_help=True, help="Files that the server knows.")

Name = Annotated[str, typer.Argument(help="As `understudy media list` shows it.", metavar="MEDIA")]


@app.command("list")
@reported
def list_media(
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Lists linked and uploaded files, the newest first."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        found = [asset for asset, _ in zip(client.list_media(), range(limit), strict=False)]
    voice.data({"media": [as_data(asset) for asset in found]})
    if not as_json:
        voice.out.print(media_table(found) if found else "No media.")


@app.command()
@reported
def show(name: Name, as_json: AsJson = False) -> None:
    """Shows what was found inside a file."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        asset = client.media(full_name(name))
    voice.data({"media": as_data(asset)})
    voice.result(f"{asset.display_name}, {kind_word(asset.kind)}, {size_text(asset.size_bytes)}", asset.name)
    for text in _found(asset.probe):
        voice.result(text)


@app.command()
@reported
def upload(
    files: Annotated[list[Path], typer.Argument(help="Files to send.", metavar="FILE...")],
    as_json: AsJson = False,
) -> None:
    """Sends files to the server. What it holds already is not sent again; a broken upload goes on where it was."""
    voice = Voice(as_json=as_json)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    quiet = as_json or not voice.err.is_terminal
    assets = []
    with (
        connect() as client,
        Progress(*columns, console=voice.err, transient=True, disable=quiet) as progress,
    ):
        for file in files:
            bar = progress.add_task(file.name, total=None)

            def told(sent: int, total: int, bar: TaskID = bar) -> None:
                progress.update(bar, completed=sent, total=total)

            asset = client.upload(file, progress=told)
            assets.append(asset)
            voice.result(f"{asset.name} ({size_text(asset.size_bytes)})", file.name)
    voice.data({"media": [as_data(asset) for asset in assets]})


@app.command()
@reported
def delete(name: Name, as_json: AsJson = False) -> None:
    """Forgets a file. An upload is deleted; a linked file is left alone."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        client.delete_media(full_name(name))
    voice.data({"deleted": full_name(name)})
    voice.result(f"{full_name(name)} is forgotten.")


def full_name(name: str) -> str:
    return name if name.startswith("media/") else f"media/{name}"


def _found(probe: media_pb2.MediaProbe) -> list[str]:
    lines = []
    if probe.HasField("size"):
        rate = f", {rate_text(probe.rate.num, probe.rate.den)} fps" if probe.rate.num else ""
        lines.append(f"{probe.size.width}x{probe.size.height}, {probe.frame_count} frames{rate}")
        lines.append(f"{probe.pixel_format}, {probe.bit_depth} bits")
    tags = (probe.colour_primaries, probe.colour_transfer, probe.colour_matrix, probe.colour_range)
    if any(tags):
        lines.append("colour " + " / ".join(tag or "?" for tag in tags))
    if probe.start_timecode:
        lines.append(f"timecode {probe.start_timecode}")
    if probe.audio_streams:
        lines.append(f"audio streams: {probe.audio_streams}")
    if probe.variable_rate:
        lines.append("frames come at uneven times; they are conformed to the rate above")
    return lines
