"""A training run as files: parts of at most 15 MB and one index that knows their hashes.

Weights are kept in float16, their moving average as its distance from them and Adam's moments in eight bits
(packing.py). An index, checkpoint.json, is written last; a part that is missing or altered is named, with the
hash that was expected and the one that was found, before anything else is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ...errors import WeightsMismatch, WeightsMissing
from .packing import Packed, pack_positive, pack_signed, unpack_positive, unpack_signed

INDEX = "checkpoint.json"
PART_BYTES = 15_000_000
MAX_PARTS = 5  # beside the index and two pictures: the machines that train give eight files back
TOTAL_BYTES = 60_000_000
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is. Seconds count the training alone, not what prepares it."""

    stage: str
    step: int = 0
    seconds: float = 0.0
    seeds: tuple[tuple[int, int], ...] = ()  # of the clips rendered so far: first, and the one after the last
    history: tuple[str, ...] = ()  # the stages before this one, with their steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Everything a run goes on from. Tensors are float32, by parameter name."""

    progress: Progress
    weights: dict[str, Tensor]
    average: dict[str, Tensor]  # of the weights that are trained
    first: dict[str, Tensor] = field(default_factory=dict)  # Adam's moments; empty: it starts afresh
    second: dict[str, Tensor] = field(default_factory=dict)
    generator: Tensor | None = None  # state of the run's random numbers


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> int:
    """Writes *checkpoint* over what *folder* holds of an older one; returns its size in bytes.

    Raises ValueError if it does not fit into the parts that may be carried.
    """
    folder.mkdir(parents=True, exist_ok=True)
    groups = list(_parts(dict(_stored(checkpoint))))
    total = sum(_bytes(group) for group in groups)
    if len(groups) > MAX_PARTS or total > TOTAL_BYTES:
        raise ValueError(
            f"the checkpoint has {total} bytes in {len(groups)} parts, above {TOTAL_BYTES} in {MAX_PARTS}"
        )
    written = {}
    for number, group in enumerate(groups, start=1):
        file = folder / f"part{number}.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in group.items()}, file.with_suffix(".new"))
        written[file.name] = _sha256(file.with_suffix(".new"))
    index = {
        "format": "understudy.training",
        "version": VERSION,
        "progress": asdict(checkpoint.progress),
        "shapes": {name: list(tensor.shape) for name, tensor in checkpoint.weights.items()},
        "parts": written,
    }
    (folder / INDEX).with_suffix(".new").write_text(json.dumps(index, indent=1))
    for name in (*written, INDEX):
        file = folder / name
        file.with_suffix(".new").replace(file)
        file.chmod(0o644)  # safetensors writes for its owner alone
    for stale in set(folder.glob("part*.safetensors")) - {folder / name for name in written}:
        stale.unlink()
    return total


def load_checkpoint(folder: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Raises WeightsMissing or WeightsMismatch, naming the part, if one is not what was written."""
    index = read_index(folder)
    tensors: dict[str, Tensor] = {}
    for name in index["parts"]:
        tensors |= load_file(folder / name, device=str(device))
    shapes = {name: tuple(shape) for name, shape in index["shapes"].items()}
    weights = {name: tensors[f"weights/{name}"].float() for name in shapes}
    kept = index["progress"]
    progress = Progress(**{**kept, "seeds": _pairs(kept["seeds"]), "history": tuple(kept["history"])})
    apart = _unpacked(tensors, "average", shapes)
    return Checkpoint(
        progress=progress,
        weights=weights,
        average={name: weights[name] + distance for name, distance in apart.items()},
        first=_unpacked(tensors, "first", shapes),
        second=_unpacked(tensors, "second", shapes),
        generator=tensors["generator"].cpu() if "generator" in tensors else None,
    )


def read_index(folder: Path) -> dict[str, Any]:
    """The index, once every part is known to be what was written."""
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text())
    except FileNotFoundError:
        raise WeightsMissing(
            f"There is no {INDEX} in {folder}. Name the folder of an earlier run.", folder=str(folder)
        ) from None
    for name, expected in index["parts"].items():
        _check(folder / name, expected)
    return index


def check_fit(checkpoint: Checkpoint, known: Mapping[str, tuple[int, ...]]) -> None:
    """Raises WeightsMismatch if *checkpoint* holds what a model of *known* parameters has no place for."""
    held = {name: tuple(weight.shape) for name, weight in checkpoint.weights.items()}
    if strange := [name for name, shape in held.items() if known.get(name) != shape]:
        raise WeightsMismatch(
            f"The checkpoint of stage {checkpoint.progress.stage} holds {len(strange)} tensors that this stage has no "
            f"place for, first {strange[0]}. Go on from a stage of the same network.",
            extra=len(strange),
        )


def _check(part: Path, expected: str) -> None:
    if not part.exists():
        raise WeightsMissing(
            f"{part.name} of the checkpoint is not in {part.parent}; its SHA-256 is {expected}. Copy it there.",
            part=part.name,
            expected=expected,
        )
    found = _sha256(part)
    if found != expected:
        raise WeightsMismatch(
            f"{part.name} of the checkpoint is damaged: expected SHA-256 {expected}, found {found}. "
            "Copy it again, or go back to an earlier run.",
            part=part.name,
            expected=expected,
            found=found,
        )


def _stored(checkpoint: Checkpoint) -> Iterator[tuple[str, Tensor]]:
    """What goes into the files, on the CPU, name by name."""
    rounded = {name: weight.half() for name, weight in checkpoint.weights.items()}
    for name, weight in rounded.items():
        yield f"weights/{name}", weight.cpu()
    groups = {
        "average": {n: a - rounded[n].float() for n, a in checkpoint.average.items()},
        "first": checkpoint.first,
        "second": checkpoint.second,
    }
    for group, tensors in groups.items():
        pack = pack_positive if group == "second" else pack_signed
        for name, tensor in tensors.items():
            packed = pack(tensor)
            yield f"{group}/{name}/codes", packed.codes.cpu()
            yield f"{group}/{name}/scales", packed.scales.cpu()
    if checkpoint.generator is not None:
        yield "generator", checkpoint.generator.cpu()


def _unpacked(
    tensors: Mapping[str, Tensor], group: str, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Tensor]:
    unpack = unpack_positive if group == "second" else unpack_signed
    names = [name for name in shapes if f"{group}/{name}/codes" in tensors]
    return {
        name: unpack(
            Packed(tensors[f"{group}/{name}/codes"], tensors[f"{group}/{name}/scales"]), shapes[name]
        )
        for name in names
    }


def _parts(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    part: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if part and _bytes(part) + _bytes({name: tensor}) > PART_BYTES:
            yield part
            part = {}
        part[name] = tensor
    yield part


def _bytes(tensors: Mapping[str, Tensor]) -> int:
    """With what safetensors writes about each, generously."""
    return sum(tensor.numel() * tensor.element_size() + len(name) + 90 for name, tensor in tensors.items())


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pairs(ranges: list[list[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((first, end) for first, end in ranges)
