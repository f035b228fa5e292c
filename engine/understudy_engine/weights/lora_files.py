"""A LoRA's file by its header: its rank, and whether the model has a place for it. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import WeightsError, WeightsMismatch
from ..model.configs import TransformerSpec
from .headers import METADATA, read_header
from .lora_names import LoraKeys, Shape, all_names, check_modules, check_shapes, rows_changed, sort_keys
from .recognise import without_prefix

ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
"""What LoRAs may be stored as, and how large a number is."""
LORA_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class LoraFacts:
    rank: int  # the largest of its modules'; 0 where it holds whole differences alone
    size_bytes: int


def look_at_lora(
    title: str, file: Path, spec: TransformerSpec, model: Mapping[str, Shape] | None
) -> LoraFacts:
    """What the LoRA in *file*, which sentences call *title*, is; *model* as ``model_shapes`` tells it.

    Raises WeightsMissing or WeightsMismatch, naming what does not fit.
    """
    header = {name: entry for name, entry in read_header(file).items() if name != METADATA}
    keys = sort_keys(title, header, spec)
    check_modules(title, keys, all_names(spec))
    shapes = {name: _shape(title, file, name, entry) for name, entry in header.items()}
    if model is not None:
        check_shapes(title, keys, shapes, model)
    return LoraFacts(_rank(keys, shapes), file.stat().st_size)


def _shape(title: str, file: Path, name: str, entry: Mapping[str, Any]) -> Shape:
    """Of a tensor that can be read, and has as many bytes as that takes."""
    try:
        kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        if kind not in ITEM_BYTES:
            raise WeightsMismatch(
                f"The {title} stores {name} as {kind}, which is not read here. Use a file in bf16, fp16 or fp32.",
                kind=str(kind),
            )
        if min(shape, default=1) < 1 or math.prod(shape) * ITEM_BYTES[kind] != end - begin:
            raise ValueError(shape)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsMismatch(
            f"The {title} is damaged: {file.name} does not say what {name} is. Download it again.", key=name
        ) from error
    return shape


def _rank(keys: LoraKeys, shapes: Mapping[str, Shape]) -> int:
    return max((next(iter(shapes[pair["down"]]), 0) for pair in keys.halves.values()), default=0)


def model_shapes(spec: TransformerSpec, files: Iterable[Path]) -> dict[str, Shape] | None:
    """The transformer's tensors that LoRAs may change, by their original names, as its *files* tell.

    None where none does: the engine finds out when it plans.
    """
    try:
        headers = [read_header(file) for file in files if file.suffix == LORA_SUFFIX]
    except WeightsError:
        return None  # the job says what is wrong with them
    held = {
        name: tuple(entry["shape"]) for each in headers for name, entry in each.items() if name != METADATA
    }
    plain = {name: held[stood] for name, stood in without_prefix(held).items()}
    shapes = {}
    for row in rows_changed(spec):
        for leaf in ("", ".weight", ".bias"):
            for naming in (row.original, row.diffusers):
                parts = [plain[name + leaf] for name in naming.split("|") if name + leaf in plain]
                if all(parts) and len(parts) == len(naming.split("|")):
                    shapes[row.original + leaf] = (sum(part[0] for part in parts), *parts[0][1:])
    return shapes or None


def lora_files(folder: Path) -> dict[str, Path]:
    """By name: the path below *folder* without the suffix. Files whose name cannot be shown are left out."""
    files = (file for file in sorted(folder.rglob(f"*{LORA_SUFFIX}")) if file.is_file())
    named = {file.relative_to(folder).as_posix().removesuffix(LORA_SUFFIX): file for file in files}
    return {name: file for name, file in named.items() if _can_be_shown(name)}


def _can_be_shown(name: str) -> bool:
    return name.isprintable() and not any(part.startswith(".") for part in name.split("/"))


def names_told(names: Iterable[str], most: int = 5) -> str:
    """ "anna, faces/bob and 3 more"."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
