"""What a golden case is: a JSON file of sizes, arrays beside it, and a function that compares ours with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.torch import load_file


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
    """The files of one case: <name>.json, and arrays in <name>.safetensors (torch) or <name>.npz (numpy)."""

    folder: Path
    name: str

    @cached_property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.folder / f"{self.name}.json").read_text())
        return data

    @cached_property
    def arrays(self) -> dict[str, Any]:
        path = self.folder / f"{self.name}.npz"
        return dict(np.load(path)) if path.exists() else load_file(path.with_suffix(".safetensors"))

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
