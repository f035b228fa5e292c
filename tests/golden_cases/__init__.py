"""What a golden case is: a JSON file of sizes, arrays beside it, and a function that compares ours with it."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.torch import load

PACKED = ".xz"  # behind a file's name: pack.py made it smaller


def is_stored(path: Path) -> bool:
    return path.exists() or path.with_name(path.name + PACKED).exists()


def stored(path: Path) -> bytes:
    """What *path* holds, or what was packed of it."""
    if path.exists():
        return path.read_bytes()
    return lzma.decompress(path.with_name(path.name + PACKED).read_bytes())


class Check(NamedTuple):
    """One comparison. A case holds if all of its checks do."""

    name: str
    error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        return self.error <= self.tolerance  # False for NaN


@dataclass(frozen=True)
class Case:
    """The files of one case: <name>.json, and arrays in <name>.safetensors (torch) or <name>.npz (numpy),
    each as it was received or packed."""

    folder: Path
    name: str

    @cached_property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(stored(self.folder / f"{self.name}.json"))
        return data

    @cached_property
    def arrays(self) -> dict[str, Any]:
        path = self.folder / f"{self.name}.npz"
        if not is_stored(path):
            return load(stored(self.folder / f"{self.name}.safetensors"))
        with np.load(BytesIO(stored(path))) as arrays:
            return dict(arrays)

    def beside(self, name: str) -> Case:
        """Another case of the same folder."""
        return Case(self.folder, name)


CaseFunction = Callable[[Case], Iterable[Check]]
"""Compares ours with a case. Each module here has CASES: beginning of the case's name -> function."""


def largest(ours: Any, golden: Any) -> float:
    """The largest absolute difference of two tensors; infinite if their shapes differ."""
    if ours.shape != golden.shape:
        return float("inf")
    return float((ours.double() - golden.double()).abs().max())
