"""The real engine with the tiny model: with the weights that lie where nano's would, or with stand-ins.

It, or its server, dies or halts at the steps where a `tests.server.support.fault.Fault` says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

from tests.server.support.fault import Reached
from tests.support.tiny import TINY
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.identity import ModelIdentity
from understudy_engine.types import Event, Plan, Step, SwapRequest
from understudy_engine.weights.installed import Asked
from understudy_server.models import weights_folder
from understudy_server.storage import DataFolder


def load(model: str, threads: int, data_folder: Path, plan: str, memory_bytes: int) -> TinyEngine:
    folder = weights_folder(model, data_folder)
    weights: Asked = folder if folder.is_dir() else "stand-in"
    options = EngineOptions(
        threads=threads or None,
        weights=weights,
        passes=DataFolder(data_folder).passes,
        has_aside="ASIDE" in os.environ or None,  # as it is beside a GPU
    )
    return TinyEngine(Engine.load(TINY, options), Reached())


class TinyEngine:
    def __init__(self, engine: Engine, fault: Reached) -> None:
        self._engine = engine
        self._fault = fault

    def plan(self, request: SwapRequest) -> Plan:
        return self._engine.plan(request)

    def identity(self) -> ModelIdentity:
        return self._engine.identity()

    def run(self, request: SwapRequest, meanwhile: Callable[[], None]) -> Iterator[Event]:
        with closing(cast("Generator[Event]", self._engine.run(request, meanwhile))) as events:
            for event in events:
                if isinstance(event, Step):
                    self._fault.reach(f"step {event.segment} {event.step}", meanwhile)
                yield event
