"""understudy export: a layer of a result as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from . import options as opt
from .exits import reported
from .jobs import Name, full_name
from .launch import connect
from .options import AsJson
from .voice import Voice, size_text
from .words import CODECS, LAYERS, LayerName, codec_of


@reported
def export(
    name: Name,
    output: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=".mp4 is H.264, .mov is ProRes 422 HQ, .mkv is lossless FFV1, a name without suffix is a folder of "
            "PNG pictures; --codec chooses others.",
        ),
    ],
    layer: opt.LayerOption = LayerName.RESULT,
    role: opt.LayerRole = 0,
    codec: opt.Codec = None,
    overwrite: opt.Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Writes a layer of a finished job as a file, reads it back and checks it.

    The character has straight alpha: prores4444 and png keep it; exr has colour multiplied by it.

        understudy export 3f2a hero.mov --layer character --codec prores4444
        understudy export 3f2a plates/swap --codec exr
    """
    voice = Voice(as_json=as_json)
    chosen = CODECS[codec_of(output, codec)]
    quiet = as_json or not voice.err.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with connect() as client, Progress(*columns, console=voice.err, transient=True, disable=quiet) as bars:
        bar = bars.add_task("exporting", total=1.0)
        file = client.export(
            full_name(name),
            client.rooted(output, writable=True),
            chosen,
            layer=LAYERS[layer],
            role=role,
            overwrite=overwrite,
            progress=lambda fraction: bars.update(bar, completed=fraction),
        )
        path = client.local_path(file.path) or file.path.relative_path
    voice.data({"path": str(path), "size_bytes": file.size_bytes, "sha256": file.sha256})
    voice.result(f"{path} ({size_text(file.size_bytes)})", "Export")
