"""understudy models: which there are, and their files: pull, list, verify, convert."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from understudy_api.endpoint import data_folder
from understudy_api.errors import InvalidRequest, NotFound
from understudy_engine.model.configs import MODELS, model_spec
from understudy_engine.weights.folder import MODEL_FILE
from understudy_engine.weights.parts import Part
from understudy_engine.weights.release import MODEL, ReleaseFile, Use

from .. import pulling
from ..alone import alone
from ..inventory import ModelFound, inventory
from ..loras import loras_folder, loras_for
from ..models import weights_folder
from .exits import reported
from .launch import connect
from .options import AsJson
from .voice import Voice, as_data, size_text

app = typer.Typer(help="Models: those of the server; their files.", invoke_without_command=True)

ModelArgument = Annotated[str, typer.Argument(help="A name from: understudy models list.", metavar="MODEL")]


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """Lists the server's models, and which of them are installed. Its commands fetch, check and convert their files."""
    if context.invoked_subcommand is None:
        _of_server(as_json=as_json)


@reported
def _of_server(as_json: bool = False) -> None:
    voice = Voice(as_json=as_json)
    with connect() as client:
        found = client.models()
    voice.data({"models": [as_data(model) for model in found]})
    table = Table("name", "", "installed", "parameters", "frames at once", box=None)
    for model in found:
        name = f"[bold]{model.name}[/] (default)" if model.is_default else model.name
        installed = "[green]yes[/]" if model.installed else "no"
        millions = f"{model.parameter_count / 1e6:,.0f} M"
        table.add_row(name, model.title, installed, millions, str(model.segment_frames))
    if not as_json:
        voice.out.print(table)
        for model in found:
            if model.notice:
                voice.warn(f"{model.name}: {model.notice}")
            if model.loras:
                voice.say(f"{model.name} takes your LoRAs {', '.join(lora.name for lora in model.loras)}.")


@app.command("list")
@reported
def list_models(as_json: AsJson = False) -> None:
    """Shows the files of each model and your LoRAs: what is here, how large, and what is missing. Needs no server."""
    voice = Voice(as_json=as_json)
    found, loras = inventory(data_folder()), _own_loras(data_folder())
    folder = loras_folder(data_folder())
    voice.data(
        {"models": [_data(model) for model in found], "loras": {"folder": str(folder), "files": loras}}
    )
    for model in found:
        _show(model, voice)
    _show_loras(folder, loras, voice)


@app.command()
@reported
def verify(model: ModelArgument = MODEL, as_json: AsJson = False) -> None:
    """Reads every file of a model anew and holds it against its hash. Minutes for the 14B model."""
    from understudy_engine.weights.hashes import check_hashes, forget_hashes, read_hashes

    voice, name = Voice(as_json=as_json), model_spec(model).name
    (found,) = [each for each in inventory(data_folder()) if each.name == name]
    if found.folder is None:
        raise _not_installed(found)
    if not read_hashes(found.folder):
        raise NotFound(
            f"Nothing says what the files in {found.folder} should be: there is no hashes.json. Pull or convert the "
            "model, and they get one.",
            metadata={"model": name},
        )
    own = found.folder == _own(name)
    voice.say(f"Reading {size_text(found.size_bytes)} in {found.folder}.")
    again = "Convert" if found.precision else "Pull"
    remedy = f"{again} the model again." if own else "Install understudy again."
    hashes = check_hashes(found.folder, remedy, remember=forget_hashes(found.folder) and own)
    total = sum(file.size_bytes for file in hashes.values())
    voice.result(f"{len(hashes)} files, {size_text(total)}, all as they should be.", found.title)
    voice.data({"model": name, "files": {file: each.sha256 for file, each in hashes.items()}})


@app.command()
@reported
def pull(
    only: Annotated[
        list[Use] | None,
        typer.Option(help="Only the files for this; may be given several times.", metavar="USE"),
    ] = None,
    more: Annotated[
        list[Use] | None,
        typer.Option("--with", help="Files for this as well: four-step.", metavar="USE"),
    ] = None,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Only tell what would be fetched, from where and how large it is."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetches the 14B model from the Hugging Face hub: about 40 GB, 58 GB with prompts, light and nets.

    What broke off goes on where it was. Every file is held against the hub's hash; the detector is one whose licence is
    Apache 2.0. USE is one of: model, prompts, relighting, points, detector, mattes, four-step.
    """
    voice = Voice(as_json=as_json)
    uses = [*(only or pulling.DEFAULT_USES), *(more or [])]
    folder = _own(MODEL)
    if only is None and (folder / MODEL_FILE).is_file():
        raise InvalidRequest(
            f"{folder} holds a converted model, and the release does not belong beside it. Name what you want: --only "
            "detector. For the release itself move that folder away."
        )
    files = pulling.look_up(list(dict.fromkeys(uses)))
    total = sum(file.size_bytes for file in files)
    table = Table("for", "files", "size", "licence", "from", box=None)
    for use in dict.fromkeys(uses):
        its = [file for file in files if file.use is use]
        size = size_text(sum(file.size_bytes for file in its))
        table.add_row(use.value, str(len(its)), size, its[0].licence, its[0].repository)
    if not as_json:
        voice.out.print(table)
    whole = None if estimate else _pull(folder, files, voice)
    voice.data({"folder": str(folder), "files": len(files), "size_bytes": total, "whole": whole})
    if whole:
        voice.result(f"{size_text(total)} in {folder}", "Installed")
        voice.say("A converted copy loads faster: understudy models convert --help")
    elif whole is not None:
        voice.warn("Kept for when the model itself is pulled: understudy models pull")


def _pull(folder: Path, files: list[ReleaseFile], voice: Voice) -> bool:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    quiet = voice.as_json or not voice.err.is_terminal
    with Bar(*columns, TimeRemainingColumn(), console=voice.err, transient=True, disable=quiet) as bar:
        task = bar.add_task("", total=None)

        def tell(now: pulling.Progress) -> None:
            if quiet and now.file:  # into a log: a line for each file
                voice.say_once(f"{now.file}, {size_text(now.total_bytes)} in all")
            bar.update(task, description=now.file, completed=now.done_bytes, total=now.total_bytes)

        return pulling.pull(folder, files, tell)


@app.command()
@reported
def convert(
    source: Annotated[Path, typer.Argument(help="A folder of weights, in any layout.", metavar="FOLDER")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            "--out",
            help="The folder to write; left out, it becomes the model that is served.",
            metavar="FOLDER",
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="bf16, or int8: half as large, for cards of less memory.")
    ] = "bf16",
    prompts: Annotated[
        bool,
        typer.Option(
            "--prompts/--no-prompts", help="Without the text encoder, 11 GB less: no prompts of yours."
        ),
    ] = True,
    sha256: Annotated[
        list[str] | None,
        typer.Option(
            help="The hash of a pickled file that you trust; may be given several times.", metavar="HASH"
        ),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            help="Which file a part is, where the folder leaves it open: transformer, vae, image_encoder, "
            "text_encoder, relighting_lora or four_step_lora.",
            metavar="PART=FILE",
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Which model it is.", metavar="NAME")] = MODEL,
    device: Annotated[str, typer.Option(help="Where weights are cast: cpu or cuda.")] = "cpu",
    as_json: AsJson = False,
) -> None:
    """Writes a model once as safetensors of our own layout: trimmed to what is used, with hashes, quick to load.

    Reads the original release, a Diffusers folder, and single files as ComfyUI's community stores them, in bf16, fp16,
    fp32 and fp8.
    """
    from understudy_engine.memory_plans import Precision
    from understudy_engine.weights.convert import PRECISIONS, convert
    from understudy_engine.weights.sources import WeightFolder

    voice, spec = Voice(as_json=as_json), model_spec(model)
    if precision not in PRECISIONS:
        raise InvalidRequest(f"--precision {precision}: choose one of {', '.join(PRECISIONS)}.")
    if not source.is_dir():
        raise InvalidRequest(f"{source} is no folder. Name the folder that the weights lie in.")
    opened = WeightFolder(source, trusted=_hashes(sha256 or []), named=_named(file or []))
    into = output or _own(spec.name)
    with alone(into):
        convert(
            spec,
            opened,
            into,
            precision=Precision(precision),
            prompts=prompts,
            device=device,
            tell=lambda now: voice.say(
                f"{now.part or 'done'}: {size_text(now.done_bytes)} of {size_text(now.total_bytes)}"
            ),
        )
    size = sum(each.stat().st_size for each in into.rglob("*") if each.is_file())
    voice.result(f"{size_text(size)} in {into}", "Converted")
    voice.data({"folder": str(into), "size_bytes": size})


def _own(model: str) -> Path:
    return weights_folder(model, data_folder())


def _not_installed(model: ModelFound) -> NotFound:
    return NotFound(
        model.trouble or f"The model '{model.name}' is not installed. Fetch it with: understudy models pull",
        metadata={"model": model.name},
    )


def _hashes(given: list[str]) -> list[str]:
    """In small letters, which PowerShell does not write. Raises InvalidRequest."""
    for text in given:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
            raise InvalidRequest(f"--sha256 {text}: a SHA-256 has 64 digits from 0 to 9 and a to f.")
    return [text.lower() for text in given]


def _named(given: list[str]) -> dict[Part, Path]:
    """["transformer=a.safetensors"] -> by part. Raises InvalidRequest."""
    found = {}
    for text in given:
        part, equals, path = text.partition("=")
        if not equals or part not in list(Part) or not Path(path).is_file():
            parts = ", ".join(Part)
            raise InvalidRequest(f"--file {text}: write a part and a file that is there. Parts: {parts}.")
        found[Part(part)] = Path(path)
    return found


def _show(model: ModelFound, voice: Voice) -> None:
    if model.folder is None:
        voice.result(model.trouble or "not installed. Fetch it with: understudy models pull", model.title)
        return
    state = "incomplete, " if model.missing else ""
    precision = f", {model.precision}" if model.precision else ""
    voice.result(f"{state}{size_text(model.size_bytes)}{precision} in {model.folder}", model.title)
    table = Table("", "size", "files", box=None, show_header=False, padding=(0, 2))
    for part in model.parts:
        if part.files:
            more = f" and {len(part.files) - 1} more" if len(part.files) > 1 else ""
            size = size_text(part.size_bytes) if part.size_bytes else ""
            table.add_row(part.name, size, escape(f"{part.files[0]}{more}"))
        elif part.needed or part.trouble:
            table.add_row(f"[red]{part.name}[/]", "missing", escape(part.trouble))
    if not voice.as_json:
        voice.out.print(table)
    if not model.has_hashes:
        voice.say("There is no hashes.json: files are not checked before they are used.")


def _own_loras(data: Path) -> list[dict[str, Any]]:
    """Each of the artist's own, and the installed models that take it; where none does, why the first does not."""
    told: dict[str, dict[str, Any]] = {}
    for model in MODELS:
        for lora in loras_for(model, data):
            one = told.setdefault(lora.name, {"name": lora.name, "models": [], "trouble": lora.trouble})
            if lora.facts:
                one |= {"rank": lora.facts.rank, "size_bytes": lora.facts.size_bytes, "trouble": ""}
                one["models"].append(model)
    return list(told.values())


def _show_loras(folder: Path, loras: list[dict[str, Any]], voice: Voice) -> None:
    if not loras:
        voice.say(f"LoRAs of yours go into {folder}, as NAME.safetensors.")
        return
    voice.result(str(folder), "LoRAs of yours")
    table = Table("", "size", "rank", "for", box=None, show_header=False, padding=(0, 2))
    for lora in loras:
        if lora["models"]:
            models = ", ".join(lora["models"])
            table.add_row(escape(lora["name"]), size_text(lora["size_bytes"]), f"rank {lora['rank']}", models)
        else:
            table.add_row(f"[red]{escape(lora['name'])}[/]", "", "", escape(lora["trouble"]))
    if not voice.as_json:
        voice.out.print(table)


def _data(model: ModelFound) -> dict[str, object]:
    parts = [
        {
            "name": part.name,
            "files": list(part.files),
            "size_bytes": part.size_bytes,
            "needed": part.needed,
            "trouble": part.trouble,
        }
        for part in model.parts
    ]
    return {
        "name": model.name,
        "installed": model.folder is not None and not model.missing,
        "folder": None if model.folder is None else str(model.folder),
        "precision": model.precision,
        "size_bytes": model.size_bytes,
        "missing": [part.name for part in model.missing],
        "trouble": model.trouble,
        "parts": parts,
    }
