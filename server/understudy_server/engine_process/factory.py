"""The engine that a server uses unless its settings name another."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from understudy_engine.types import Event, Plan, SwapRequest

from ..finding import nets_device
from ..models import weights_of
from ..storage import DataFolder


class EngineLike(Protocol):
    def plan(self, request: SwapRequest) -> Plan: ...

    def run(self, request: SwapRequest, meanwhile: Callable[[], None]) -> Iterator[Event]:
        """*meanwhile* is called often while a segment is made; what it raises leaves the job."""
        ...


Factory = Callable[[str, int, Path, str, int], EngineLike]


def load(model: str, threads: int, data_folder: Path, plan: str, memory_bytes: int) -> EngineLike:
    """The model called *model* on this machine's best device, fitted in as *plan* says.

    *threads* 0 leaves torch's own choice, *memory_bytes* 0 takes what is free on a GPU.
    """
    import torch

    from understudy_engine.config import EngineOptions
    from understudy_engine.engine import Engine
    from understudy_engine.media.isolated import isolated
    from understudy_engine.model.configs import model_spec

    spec, weights = model_spec(model), weights_of(model, data_folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    kept = DataFolder(data_folder)
    options = EngineOptions(
        device=device,
        nets_device=nets_device(device),
        threads=threads or None,
        plan=plan,
        memory_bytes=memory_bytes or None,
        weights=weights,
        passes=kept.passes,
        contexts=kept.contexts,
    )
    return Engine.load(spec, options, isolated())


def find(path: str) -> Factory:
    """The function that "module:function" names."""
    module, _, function = path.partition(":")
    found: Factory = getattr(importlib.import_module(module), function)
    return found
