"""LoRAs of the artist's own, from their files into the transformer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ..errors import RequestError, WeightsError
from ..model.transformer import WanAnimateTransformer
from ..types import Lora, Plan
from .lora import Changes, OwnLora, read_changes
from .tensor_files import open_tensors


def own_loras(asked: Iterable[Lora], plan: Plan, transformer: WanAnimateTransformer) -> list[OwnLora]:
    """Those of *asked* that change anything; *plan* tells what their files hold."""
    sha256 = plan.settings.get("loras_sha256", {})
    return [
        OwnLora(f"{lora.name} {sha256[lora.name]}", lora.strength, partial(_read, lora, transformer))
        for lora in asked
        if lora.strength
    ]


def _read(lora: Lora, transformer: WanAnimateTransformer) -> Changes:
    """Its tensors are mapped; they are read where they are used. Raises RequestError, naming what does not fit."""
    try:
        tensors = {name: stored.values() for name, stored in open_tensors(lora.file).items()}
        return read_changes(f"LoRA '{lora.name}'", tensors, transformer)
    except WeightsError as error:
        raise RequestError(error.message, field="loras") from error
