"""Which weights a model runs with: those of a folder, those that come with it, or stand-ins. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from ..errors import WeightsMissing
from ..model.configs import NANO, ModelSpec
from .folder import found_loras
from .parts import Part

PACKAGED: Mapping[str, Path] = {NANO.name: Path(__file__).parents[1] / "nano"}
"""The folders inside this package, by the models that come with it."""


class Kind(StrEnum):
    """Where weights come from. The value is the word used in every interface."""

    PACKAGED = "packaged"
    FILES = "files"
    STAND_IN = "stand-in"


@dataclass(frozen=True, slots=True)
class Weights:
    kind: Kind
    folder: Path | None = None  # None: stand-ins

    @property
    def loras(self) -> frozenset[Part]:
        """The LoRAs there are."""
        return found_loras(self.folder) if self.folder else frozenset()

    @property
    def remedy(self) -> str:
        """What to do if a file is not as it should be."""
        return "Install understudy again." if self.kind is Kind.PACKAGED else "Download the model again."


Asked = Weights | Path | Literal["stand-in"] | None
"""Weights as they were found; a folder; stand-ins, by name; or None: those that come with the model."""


def find_weights(model: str, asked: Asked = None) -> Weights:
    """Raises WeightsMissing if none are named for a model that comes without."""
    if isinstance(asked, Weights):
        return asked
    if asked == "stand-in":
        return Weights(Kind.STAND_IN)
    if asked is not None:
        return Weights(Kind.FILES, asked)
    folder = PACKAGED.get(model)
    if folder is None:
        raise WeightsMissing(
            f"No weights come with the model '{model}'. Name the folder of its weights.", model=model
        )
    return Weights(Kind.PACKAGED, folder)


def notice_of(spec: ModelSpec, weights: Weights) -> str:
    """One honest line about *spec* with these weights, for every interface, or nothing."""
    if weights.kind is Kind.STAND_IN:
        return f"{spec.title} runs with stand-in weights: the plumbing is real, the pictures are noise."
    return spec.notice
