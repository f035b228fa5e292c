"""Safetensors files written tensor by tensor, hashed on the way: one chunk of rows is in memory at a time."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..media.atomic import atomic_file
from .hashes import FileHash
from .headers import METADATA
from .rows import INT8, SCALED, by_row, quantise_rows
from .tensor_files import DTYPES, Shape, Stored

NAMES = {dtype: name for name, dtype in DTYPES.items()}
CHUNK_BYTES = 64 << 20
SHARD_BYTES = 4 << 30
ALIGNED_BYTES = 64
SCALE = ".scale"


@dataclass(frozen=True, slots=True)
class Written:
    """A tensor to write: the rows of *stored*, one after the other, as *dtype*."""

    name: str
    shape: Shape
    dtype: torch.dtype
    stored: tuple[Stored, ...]

    @property
    def entries(self) -> tuple[tuple[str, torch.dtype, Shape], ...]:
        """What stands in the file: int8 has its scales behind it."""
        own = (self.name, self.dtype, self.shape)
        if self.dtype is not INT8:
            return (own,)
        return own, (self.name.removesuffix(".weight") + SCALE, torch.float32, self.shape[:1])

    @property
    def size_bytes(self) -> int:
        return sum(math.prod(shape) * dtype.itemsize for _, dtype, shape in self.entries)


def shards(tensors: Iterable[Written], limit_bytes: int = SHARD_BYTES) -> list[list[Written]]:
    """In order, each up to *limit_bytes*."""
    found: list[list[Written]] = []
    room = 0
    for tensor in tensors:
        if not found or tensor.size_bytes > room:
            found.append([])
            room = limit_bytes
        found[-1].append(tensor)
        room -= tensor.size_bytes
    return found


def write_tensors(path: Path, tensors: Sequence[Written], device: torch.device) -> FileHash:
    """*path* whole or not at all; casts and quantises on *device*. Raises DiskFull."""
    header = _header(tensors)
    digest, size = hashlib.sha256(header), len(header)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(header)
        for tensor in tensors:
            for piece in _pieces(tensor, device):
                view = memoryview(piece.contiguous().view(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
                digest.update(view)
                size += file.write(view)
    return FileHash(digest.hexdigest(), size)


def _header(tensors: Sequence[Written]) -> bytes:
    entries: dict[str, object] = {METADATA: {"format": "pt"}}
    offset = 0
    for name, dtype, shape in (entry for tensor in tensors for entry in tensor.entries):
        end = offset + math.prod(shape) * dtype.itemsize
        entries[name] = {"dtype": NAMES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNED_BYTES)  # what is mapped is used where it lies
    return len(text).to_bytes(8, "little") + text


def _pieces(tensor: Written, device: torch.device) -> Iterator[Tensor]:
    """Its bytes in order, as tensors on the CPU."""
    scales: list[Tensor] = []
    parts = tensor.stored
    if len(parts) == 1:
        parts = (parts[0].viewed(tensor.shape),)
    for stored in parts:
        for values, scale in _chunks(stored):
            if tensor.dtype is not INT8:
                yield _scaled(values.to(device), scale).to(tensor.dtype).cpu()
            elif values.dtype is INT8 and scale is not None:  # as it is: nothing is rounded twice
                scales.append(scale)
                yield values
            else:
                quantised, found = quantise_rows(_scaled(values.to(device), scale).float())
                scales.append(found.cpu())
                yield quantised.cpu()
    if scales:
        yield torch.cat(scales)


def _chunks(stored: Stored) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Rows, and what each is multiplied with."""
    values, length = stored.load(), stored.shape[0] if stored.shape else 1
    if not stored.shape:
        values = values.reshape(1)
    scale = None if stored.scale is None else stored.scale().float().reshape(-1).expand(length)
    row_bytes = max(1, values[0].numel() * values.element_size())
    at_once = max(1, CHUNK_BYTES // row_bytes)
    for first in range(0, length, at_once):
        last = min(length, first + at_once)
        yield values[first:last], None if scale is None else scale[first:last]


def _scaled(values: Tensor, scale: Tensor | None) -> Tensor:
    if scale is not None:
        return values.float() * by_row(scale.to(values.device), values)
    return values.float() if values.dtype in SCALED else values
