"""The artist's own LoRAs: safetensors files in models/loras of the data folder, as ComfyUI keeps them. Needs no torch.

The folder may be a link to ComfyUI's. It serves every model: each takes those whose tensors it has a place for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from understudy_engine.errors import RequestError, WeightsError, WeightsMissing
from understudy_engine.model.configs import model_spec
from understudy_engine.weights.folder import part_files
from understudy_engine.weights.lora_files import (
    LORA_SUFFIX,
    LoraFacts,
    look_at_lora,
    lora_files,
    model_shapes,
    names_told,
)
from understudy_engine.weights.lora_names import Shape
from understudy_engine.weights.parts import Part

from .models import weights_of

PLACE = "models/loras"


@dataclass(frozen=True, slots=True)
class LoraFound:
    name: str
    file: Path
    facts: LoraFacts | None  # None: it does not fit, for the reason *trouble*
    trouble: str = ""


def loras_folder(data_folder: Path) -> Path:
    return data_folder / PLACE


def loras_for(model: str, data_folder: Path) -> list[LoraFound]:
    """Every LoRA there is, by name, and whether *model* takes it; none for a model that is not installed.

    Reads the headers of files that have changed.
    """
    try:
        weights_of(model, data_folder)
    except WeightsMissing:
        return []
    weights = _weights(model, data_folder)
    files = lora_files(loras_folder(data_folder))
    return [_found(name, file, model, weights) for name, file in files.items()]


def chosen_loras(names: Iterable[str], model: str, data_folder: Path) -> dict[str, Path]:
    """The files of those called *names*.

    Raises RequestError, naming it, for one that is not there or that *model* cannot take.
    """
    wanted = list(names)
    if not wanted:
        return {}
    files, weights = lora_files(loras_folder(data_folder)), _weights(model, data_folder)
    for name in wanted:
        if name not in files:
            there = f"There are: {names_told(files)}." if files else "There are none."
            raise RequestError(
                f"There is no LoRA '{name}' here. {there} Put {name}{LORA_SUFFIX} into {PLACE} of the server's data "
                "folder.",
                field="loras",
            )
        found = _found(name, files[name], model, weights)
        if found.facts is None:
            raise RequestError(found.trouble, field="loras")
    return {name: files[name] for name in wanted}


_Stamp = tuple[Path, int, int]
"""A file, its size and its time."""


def _stamp(file: Path) -> _Stamp:
    status = file.stat()
    return file, status.st_size, status.st_mtime_ns


def _weights(model: str, data_folder: Path) -> tuple[_Stamp, ...]:
    """The transformer's files; none where they are stand-ins, or amiss, which the job says."""
    try:
        folder = weights_of(model, data_folder).folder
        return tuple(map(_stamp, part_files(folder, Part.TRANSFORMER))) if folder else ()
    except (WeightsError, OSError):
        return ()


def _found(name: str, file: Path, model: str, weights: tuple[_Stamp, ...]) -> LoraFound:
    try:
        return _looked_at(name, _stamp(file), model, weights)
    except OSError as error:
        return LoraFound(name, file, None, f"The LoRA '{name}' cannot be read: {error.strerror}.")


@lru_cache(maxsize=2048)
def _looked_at(name: str, stamp: _Stamp, model: str, weights: tuple[_Stamp, ...]) -> LoraFound:
    file, *_ = stamp
    spec = model_spec(model).transformer
    try:
        return LoraFound(name, file, look_at_lora(f"LoRA '{name}'", file, spec, _shapes(model, weights)))
    except WeightsError as error:
        return LoraFound(name, file, None, error.message)


@lru_cache(maxsize=4)
def _shapes(model: str, weights: tuple[_Stamp, ...]) -> Mapping[str, Shape] | None:
    return model_shapes(model_spec(model).transformer, [file for file, *_ in weights])
