"""A loaded model on its device: fitted in anew for each job, and once more when memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import nn

from .card import precisions_of
from .config import EngineOptions
from .fresh import FreshThread, refusals
from .machine import available_bytes
from .memory_plans import MemoryPlan, Precision, Work, choose, for_job, lower
from .model.configs import ModelSpec
from .offload.fit import Fitting
from .types import Plan
from .weights.load import ModelParts


class FittedModel:
    """On a CPU all of a model is where it is used, and nothing is planned."""

    def __init__(self, parts: ModelParts, options: EngineOptions, plan: MemoryPlan | None = None) -> None:
        """*plan*: how the weights were loaded; without one all of them are on the device."""
        self._spec, self._options = parts.spec, options
        device = device_of(options)
        blocks = parts.spec.transformer.layers
        whole = MemoryPlan(precision=Precision.FLOAT32, blocks=blocks, span_tokens=None, vae_chunk=1)
        networks = parts.transformer, parts.vae, parts.image_encoder
        self._fitting = Fitting(*networks, device, plan or whole)
        self.thread = FreshThread(device)
        self._work: Work | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What a plan notes: another precision gives other pixels, and no job may have segments of both."""
        precision = self._fitting.plan.precision
        return {} if precision is Precision.FLOAT32 else {"precision": precision.value}

    def ask(self, meanwhile: Callable[[], None]) -> None:
        """*meanwhile* is called between two pieces of work; what it raises ends the job there."""
        self._fitting.ask = meanwhile

    def at_work(self, network: nn.Module) -> AbstractContextManager[None]:
        """While it lasts, *network* is on the device."""
        return self._fitting.on(network)

    def planned(self, plan: Plan, *, guided: bool) -> MemoryPlan | None:
        """How a job of *plan* fits in. Raises OutOfMemory if it does not."""
        budget = budget_bytes(self._options)
        if budget is None:
            return None
        self._work = Work.of(plan, guided=guided)
        host_bytes = available_bytes()
        if host_bytes is not None:
            host_bytes += self._fitting.host_bytes
        return for_job(self._spec, self._work, self._fitting.plan, budget, host_bytes)

    def refusals(self) -> int:
        """Of the device's memory so far, those that nobody heard of too."""
        return refusals(device_of(self._options))

    def arrange(self, plan: MemoryPlan) -> str:
        """Gives what an artist should know of the machine's memory then, or nothing."""
        self._fitting.arrange(plan)
        return self._fitting.told()

    def shrink(self) -> MemoryPlan | None:
        """After memory ran out: the next plan that takes less and gives the same pixels, arranged; None without one.

        It is one that fits into what others have left of the card, if there is such a one.
        """
        if self._work is None:
            return None
        below = lower(self._spec, self._work, self._fitting.plan)
        if below is None:
            return None
        torch.cuda.empty_cache()
        room = budget_bytes(self._options) or 0
        while below.room_bytes > room and (further := lower(self._spec, self._work, below)):
            below = further
        self._fitting.arrange(below)
        return below


def first_plan(spec: ModelSpec, options: EngineOptions) -> MemoryPlan | None:
    """How the weights are loaded: for the largest segment that the model makes by default. None on a CPU.

    Raises RequestError for a plan that cannot be had, OutOfMemory if none fits.
    """
    budget = budget_bytes(options)
    if budget is None:
        return None
    device = device_of(options)
    if options.memory_bytes:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, options.memory_bytes / total))
    return choose(
        spec,
        Work.usual(spec),
        budget,
        asked=options.plan,
        precisions=precisions_of(device),
        host_bytes=available_bytes(),
    )


def budget_bytes(options: EngineOptions) -> int | None:
    """What this process may take of the card, what it holds already included; None on a CPU."""
    device = device_of(options)
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    can_have = int(free + torch.cuda.memory_reserved(device))
    return min(can_have, options.memory_bytes or can_have)


def device_of(options: EngineOptions) -> torch.device:
    device = torch.device(options.device)
    return torch.device("cuda", 0) if device.type == "cuda" and device.index is None else device
