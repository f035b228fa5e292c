"""The engine that a server uses unless its settings name another."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Protocol

from understudy_engine.types import Event, Plan, SwapRequest


class EngineLike(Protocol):
    def plan(self, request: SwapRequest) -> Plan: ...

    def run(self, request: SwapRequest) -> Iterator[Event]: ...


Factory = Callable[[str, int], EngineLike]


def load(model: str, threads: int) -> EngineLike:
    """The model called *model* on this machine's best device; *threads* 0 leaves torch's own choice."""
    import torch

    from understudy_engine.config import EngineOptions
    from understudy_engine.engine import Engine
    from understudy_engine.media.isolated import isolated
    from understudy_engine.model.configs import model_spec

    device = "cuda" if torch.cuda.is_available() else "cpu"
    options = EngineOptions(device=device, threads=threads or None)
    return Engine.load(model_spec(model), options, isolated())


def find(path: str) -> Factory:
    """The function that "module:function" names."""
    module, _, function = path.partition(":")
    found: Factory = getattr(importlib.import_module(module), function)
    return found
