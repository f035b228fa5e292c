"""Files of tensors, opened without reading them: safetensors, and pickles whose hash is known."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import WeightsMismatch
from .headers import METADATA, read_header
from .rows import E4M3, E5M2, INT8, SCALED, by_row

Shape = tuple[int, ...]

DESCRIPTION, DESCRIPTIONS = "comfy_quant", "_quantization_metadata"
"""Where ComfyUI describes a layer: a tensor of JSON beside its weight, or all of them in the header."""

DTYPES = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F64": torch.float64,
    "F8_E4M3": E4M3,
    "F8_E5M2": E5M2,
    "I8": INT8,
}
"""What weights may be stored as. Other tensors of a file are listed, but cannot be read."""


class Span(NamedTuple):
    """Where a tensor's bytes lie plainly in a file."""

    path: Path
    offset: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor that is not read yet. What it says is ``load() * scale()``, the scale one number or one a row."""

    dtype: torch.dtype
    shape: Shape
    load: Callable[[], Tensor]  # mapped: nothing is read before it is used
    span: Span | None = None
    scale: Callable[[], Tensor] | None = None  # of 8 bits

    def values(self) -> Tensor:
        """The tensor in its own dtype, or in float32 where that has 8 bits."""
        tensor = self.load()
        if self.dtype not in SCALED:
            return tensor
        return tensor.float() if self.scale is None else tensor.float() * by_row(self.scale(), tensor)

    def viewed(self, shape: Shape) -> Stored:
        """The same numbers in another shape."""
        if shape == self.shape:
            return self
        return replace(self, shape=shape, load=lambda: self.load().reshape(shape))


def in_memory(tensor: Tensor) -> Stored:
    return Stored(tensor.dtype, tuple(tensor.shape), lambda: tensor)


# ---- Safetensors -----------------------------------------------------------------------------------------


def open_tensors(path: Path) -> dict[str, Stored]:
    """Every tensor of a safetensors file whose dtype is known here."""
    from safetensors import safe_open

    header = read_header(path)
    try:
        file = safe_open(path, framework="pt")
    except Exception as error:  # safetensors raises its own kinds, by version
        raise WeightsMismatch(
            f"{path} is damaged or no safetensors file ({error}). Download it again.", file=str(path)
        ) from error
    with path.open("rb") as stream:
        begin = 8 + int(struct.unpack("<Q", stream.read(8))[0])
    found = {
        name: _stored(file, path, begin, name, entry) for name, entry in header.items() if name != METADATA
    }
    return _described(header) | found


def _described(header: Mapping[str, Any]) -> dict[str, Stored]:
    """What ComfyUI's newer files say of 8-bit and 4-bit layers in their header, as its older ones say it: tensors."""
    try:
        layers = json.loads(header[METADATA][DESCRIPTIONS])["layers"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    texts = {name: json.dumps(layer).encode() for name, layer in layers}
    return {
        f"{name}.{DESCRIPTION}": in_memory(torch.tensor(list(text), dtype=torch.uint8))
        for name, text in texts.items()
    }


def _stored(file: Any, path: Path, begin: int, name: str, entry: Mapping[str, Any]) -> Stored:
    dtype, shape = DTYPES.get(entry["dtype"]), tuple(int(side) for side in entry["shape"])
    span = Span(path, begin + int(entry["data_offsets"][0]))
    if name.endswith(f".{DESCRIPTION}"):
        dtype = torch.uint8
    if dtype is None:
        return replace(unreadable(name, entry["dtype"], path.name), shape=shape)
    return Stored(dtype, shape, lambda: file.get_tensor(name), span)


def unreadable(name: str, kind: str, where: str) -> Stored:
    """A tensor of a *kind* that is refused as soon as it is wanted."""

    def refuse() -> Tensor:
        raise WeightsMismatch(
            f"{name} in {where} is stored as {kind}, which is not read here. "
            "Use a file in bf16, fp16, fp32 or fp8.",
            kind=kind,
        )

    return Stored(torch.uint8, (), refuse)


def described_as(stored: Stored) -> Any:
    """What a tensor of JSON says; None if that cannot be read."""
    try:
        return json.loads(bytes(stored.load().tolist()))
    except (ValueError, TypeError):
        return None


# ---- Pickles ---------------------------------------------------------------------------------------------


def open_pickle(path: Path) -> dict[str, Stored]:
    """Every tensor of a checkpoint saved by torch, mapped; nested dicts are called ``outer.inner``'s inner names.

    Only for files whose hash is known. Objects other than tensors are not made: torch's ``weights_only``.
    Raises WeightsMismatch for a file that holds anything else, or is damaged.
    """
    try:
        held = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # a damaged pickle raises whatever it likes
        raise WeightsMismatch(
            f"{path} is damaged, or holds more than tensors ({type(error).__name__}). Download it again.",
            file=str(path),
        ) from error
    tensors = held.get("state_dict", held) if isinstance(held, dict) else {}
    tensors = tensors if isinstance(tensors, dict) else {}
    found = {str(name): in_memory(value) for name, value in tensors.items() if isinstance(value, Tensor)}
    if not found:
        raise WeightsMismatch(f"{path} holds no tensors by name. Download it again.", file=str(path))
    return found
