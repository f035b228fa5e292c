"""The server's own engine, with a record of every event: when it came, and how much memory there was.

Named to a server as its engine factory. What the engine says is handed on as it is. At a stage that stop.json in the
data folder names, the card's allocator gets a bound, as if somebody else had taken the rest.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.fitted import FittedModel
from understudy_engine.identity import ModelIdentity
from understudy_engine.media.isolated import isolated
from understudy_engine.memory_plans import MemoryPlan
from understudy_engine.types import Event, Plan, SegmentDone, Stage, Step, SwapRequest, Warned
from understudy_server.engine_process import factory
from understudy_server.models import weights_of
from understudy_server.storage import DataFolder

RECORD, BOUND = "record.jsonl", "bound.json"
TINY = "JOB_BENCH_TINY"


def load(model: str, threads: int, data_folder: Path, plan: str, memory_bytes: int) -> Watched:
    record = Record(data_folder / RECORD)
    record.note("begins", pid=os.getpid(), alloc_conf=os.environ.get("PYTORCH_CUDA_ALLOC_CONF", ""))
    try:
        if os.environ.get(TINY):
            engine = _tiny(data_folder)
        else:
            found = factory.load(model, threads, data_folder, plan, memory_bytes)
            assert isinstance(found, Engine)
            engine = found
    except Exception as error:
        record.note("failed", error=f"{type(error).__name__}: {error}"[:600])
        raise
    watched = Watched(engine, record, data_folder / BOUND)
    record.note("loaded", threads=torch.get_num_threads(), plan=watched.told())
    return watched


def _tiny(data_folder: Path) -> Engine:
    from scripts.job_bench.model import TINY as SPEC

    kept = DataFolder(data_folder)
    options = EngineOptions(
        weights=weights_of(SPEC.name, data_folder),
        passes=kept.passes,
        contexts=kept.contexts,
        has_aside=True,  # as beside a card
    )
    return Engine.load(SPEC, options, isolated())


class Record:
    """Lines of JSON; times by a clock that all processes of this machine share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, event: str, **facts: Any) -> None:
        line = {"at": time.monotonic(), "event": event, **facts, **_memory()}
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")


class Watched:
    def __init__(self, engine: Engine, record: Record, bound: Path) -> None:
        self._engine, self._record, self._bound = engine, record, bound

    def identity(self) -> ModelIdentity:
        began = time.monotonic()
        found = self._engine.identity()
        self._record.note("identified", seconds=time.monotonic() - began)
        return found

    def plan(self, request: SwapRequest) -> Plan:
        began = time.monotonic()
        plan = self._engine.plan(request)
        self._record.note("planned", seconds=time.monotonic() - began, plan=self.told())
        return plan

    def run(self, request: SwapRequest, meanwhile: Callable[[], None]) -> Iterator[Event]:
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._record.note("run", first_segment=request.resume.segment)
        try:
            for event in self._engine.run(request, meanwhile):
                self._record.note(type(event).__name__, **_facts(event), plan=self.told())
                yield event
                if isinstance(event, SegmentDone):
                    self._record.note("stored", segment=event.segment.index)
                if isinstance(event, Stage):
                    self._tighten(event)
        finally:
            self._record.note("left")

    def told(self) -> dict[str, Any]:
        """How the model is arranged now."""
        plan = self._fitted._fitting.plan
        return {"words": str(plan), "peak_bytes": plan.peak_bytes, "pinned_bytes": plan.pinned_bytes}

    @property
    def _fitted(self) -> FittedModel:
        return self._engine._fitted

    def _tighten(self, stage: Stage) -> None:
        wish = json.loads(self._bound.read_text()) if self._bound.exists() else {}
        if (wish.get("segment"), wish.get("text")) != (stage.segment, stage.text):
            return
        self._bound.unlink()
        self._record.note("bound", share=wish["share"])
        if torch.cuda.is_available():
            _bound_card(wish["share"] * self._fitted._fitting.plan.peak_bytes)
        else:
            _let_memory_run_out(self._engine)


def _bound_card(size_bytes: float) -> None:
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, size_bytes / total))


def _let_memory_run_out(engine: Engine) -> None:
    """On a CPU, where no plan is below another: the next forward fails once, and the plan below streams all blocks."""
    net, fitted = engine._parts.transformer, engine._fitted
    forward = net.forward

    def fails(*_: Any) -> Any:
        net.forward = forward  # type: ignore[method-assign]
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def shrink() -> MemoryPlan:
        blocks = engine.spec.transformer.layers
        below = replace(fitted._fitting.plan, streamed_blocks=blocks, streams_keys=True, has_visitors=True)
        fitted.arrange(below)
        return below

    net.forward = fails  # type: ignore[method-assign, assignment]
    fitted.shrink = shrink  # type: ignore[method-assign]


def _facts(event: Event) -> dict[str, Any]:
    if isinstance(event, Stage):
        return {"segment": event.segment, "text": event.text}
    if isinstance(event, Step):
        return {"segment": event.segment, "step": event.step}
    if isinstance(event, SegmentDone):
        return {"segment": event.segment.index}
    return {"text": event.text} if isinstance(event, Warned) else {}


def _memory() -> dict[str, int]:
    if not torch.cuda.is_initialized():
        return {}
    return {
        "allocated": torch.cuda.memory_allocated(),
        "peak": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.memory_reserved(),
    }
