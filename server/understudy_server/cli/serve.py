"""understudy serve."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Annotated

import typer

from understudy_api.errors import Conflict, InvalidRequest
from understudy_engine.memory_plans import AUTO, Precision
from understudy_engine.model.configs import model_spec
from understudy_engine.weights.installed import notice_of

from ..models import weights_of
from ..settings import Root, Settings, default_roots
from .exits import reported
from .launch import stop_server
from .voice import Voice

PLANS = (AUTO, Precision.BF16, Precision.INT8)


@reported
def serve(
    root: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder whose files jobs may read and write to; may be given several times. "
            "Your home folder, the current one and mounted disks are shared anyway.",
            metavar="FOLDER",
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="0 takes a free one; clients find it by themselves.")] = 0,
    model: Annotated[
        str, typer.Option(help="The model to serve. Left out, it is the largest whose weights are here.")
    ] = "",
    threads: Annotated[int, typer.Option(help="Threads of the engine; 0 leaves it to PyTorch.")] = 0,
    plan: Annotated[
        str,
        typer.Option(
            help="How the model fits into the GPU: bf16, int8 (8-bit matmuls), or auto, which takes what fits best. "
            "Blocks that do not fit are streamed from the machine's memory."
        ),
    ] = "auto",
    gpu_memory: Annotated[
        float, typer.Option(help="GB of the GPU's memory that may be used; 0 takes what is free.", min=0.0)
    ] = 0.0,
    data_folder: Annotated[
        Path | None, typer.Option(help="Where jobs and results are kept.", metavar="FOLDER")
    ] = None,
    engine_factory: Annotated[str, typer.Option(hidden=True)] = "",  # tests serve a tiny model with it
    stop: Annotated[bool, typer.Option("--stop", help="End the server that is running.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --stop: answer as JSON.")] = False,
) -> None:
    """Runs the server until Ctrl-C. It serves this machine only, and only you.

    replace and animate start one by themselves; start it here to choose its folders or its model.

        understudy serve --root /mnt/show/plates
        understudy serve --stop
    """
    voice = Voice(as_json=as_json)
    if stop:
        pid = stop_server(data_folder)
        voice.result(f"The server (process {pid}) has ended. Unfinished jobs go on when it starts again.")
        voice.data({"stopped_pid": pid})
        return
    given = {"data_folder": data_folder, "engine_factory": engine_factory, "default_model": model}
    settings = Settings.model_validate(
        {
            "port": port,
            "torch_threads": threads,
            "plan": known_plan(plan),
            "gpu_memory_bytes": round(gpu_memory * 1e9),
            "roots": roots(root or []),
            **{name: value for name, value in given.items() if value},
        }
    )
    _run(settings, voice)


def known_plan(name: str) -> str:
    """Raises InvalidRequest for a name that is none."""
    if name in PLANS:
        return name
    raise InvalidRequest(
        f"There is no memory plan '{name}'. Choose one of {', '.join(PLANS)}.", reason="INVALID_FIELD"
    )


def _run(settings: Settings, voice: Voice) -> None:
    """Raises Conflict if the port is taken, ModelUnknown or WeightsMissing if the model is not here."""
    from ..server import serve as run_server  # other commands do without its imports

    spec = model_spec(settings.default_model)
    notice = notice_of(spec, weights_of(spec.name, settings.data_folder))

    def ready(address: str) -> None:
        voice.say(f"The server is ready at {address} with {spec.title}. Ctrl-C ends it.", style="green")
        if notice:
            voice.warn(notice)

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        run_server(settings, ready)
    except OSError as error:
        raise Conflict(str(error), reason="SERVER_NOT_STARTED") from error


def roots(folders: list[Path]) -> dict[str, Root]:
    """The usual folders and *folders*, each under an id made from its name.

    Raises InvalidRequest for what is no folder.
    """
    found = default_roots()
    for folder in folders:
        if not folder.expanduser().is_dir():
            raise InvalidRequest(f"--root {folder} is no folder. Make it first, or check the path.")
        base = re.sub(r"[^a-z0-9_-]+", "-", folder.name.lower()).strip("-_")[:24] or "root"
        number = 1
        while (name := base if number == 1 else f"{base}-{number}") in found:
            number += 1
        found[name] = Root(path=folder, writable=True)
    return found
