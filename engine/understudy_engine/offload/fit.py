"""A model's networks, arranged on a device as a plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ..memory_plans import MemoryPlan, further, streamed_blocks
from ..model.between import Between, go_on
from ..model.transformer import WanAnimateTransformer
from ..model.vae import WanVae
from .group import Group, tensors_of
from .guest import Guest, visit_when_called
from .lane import lane_to
from .pulse import Pulse
from .stream import WeightStream
from .units import Unit, key_units, step_units


class Fitting:
    """Where every weight is, and when it comes. Between segments all that comes and goes is at home, on the host.

    *ask* is called between two pieces of work; what it raises ends the segment.
    """

    def __init__(
        self,
        transformer: WanAnimateTransformer,
        vae: WanVae,
        image_encoder: nn.Module | None,
        device: torch.device,
        plan: MemoryPlan,
    ) -> None:
        self.ask: Between = go_on
        self.transformer, self._vae = transformer, vae
        self._visitors = [vae, *([image_encoder] if image_encoder is not None else [])]
        self._device = device
        self._lane = lane_to(device)
        self._pulse = Pulse(device, lambda: self.ask())
        self._groups: dict[int, Group] = {}  # by the first tensor of a unit
        self._guests: dict[nn.Module, Guest] = {}
        self._streams: list[WeightStream] = []
        vae.between = transformer.between = self._pulse
        self.plan = plan
        self.arrange(plan)

    def arrange(self, plan: MemoryPlan) -> None:
        """Weights that *plan* has on the host go there; none that is there already comes back for good.

        Also where that is left, or fails for want of memory, those that are on the host come and go from then on.
        """
        plan = further(plan, self.plan)
        net = self.transformer
        steps, keys = step_units(net), key_units(net)
        away = [steps[i] for i in sorted(streamed_blocks(len(steps), plan.streamed_blocks))]
        try:
            for unit in [*away, *(keys if plan.streams_keys else [])]:
                if _key(unit) not in self._groups:
                    self._groups[_key(unit)] = Group(unit.tensors, self._lane.host)
                    self.ask()  # a block's 0.7 GB take 0.2 s to be locked and copied
            if plan.has_visitors:
                self._make_guests()
        finally:
            self._streams = []
            net.pace, net.key_pace = self._paced(steps), self._paced(keys)
        self.plan = plan
        net.span_tokens, net.keeps_base = plan.span_tokens, plan.keeps_base
        self._vae.stripes, self._vae.chunk = plan.vae_stripes, plan.vae_chunk
        self._stay()

    def told(self) -> str:
        """What an artist should know of the machine's memory; nothing if all is well."""
        return self._lane.told()

    @property
    def host_bytes(self) -> int:
        """Of the machine's memory that weights have already."""
        guests = sum(guest.size_bytes for guest in self._guests.values())
        return guests + sum(group.size_bytes for group in self._groups.values())

    @contextmanager
    def on(self, network: nn.Module) -> Iterator[None]:
        """*network* is at work: it is on the device, even if it is not always there."""
        self._pulse.begin()
        guest = self._guests.get(network)
        if guest and self._device.type == "cuda":
            torch.cuda.empty_cache()  # what others left in pieces of other sizes
        stay: AbstractContextManager[None] = guest.visit() if guest else nullcontext()
        try:
            with stay:
                yield
        finally:
            if network is self.transformer:
                self._rest()

    def _rest(self) -> None:
        for stream in self._streams:
            stream.rest()

    def _make_guests(self) -> None:
        for network in self._visitors:
            if network not in self._guests:
                self._guests[network] = Guest(network, self._lane)
        embedding = self.transformer.time_embedding
        if embedding not in self._guests:
            self._guests[embedding] = visit_when_called(embedding, self._lane)

    def _paced(self, units: Sequence[Unit]) -> Callable[[Sequence[Any]], Iterator[Any]]:
        """Gives modules in order, those whose weights are at home once these have come."""
        away = [unit for unit in units if _key(unit) in self._groups]
        groups = [self._groups[_key(unit)] for unit in away]
        places = {unit.owner: place for place, unit in enumerate(away)}
        stream = WeightStream(groups, self._lane, self.plan.slots)
        self._streams.append(stream)

        def pace(modules: Sequence[nn.Module]) -> Iterator[nn.Module]:
            self._pulse.begin()
            for other in self._streams:
                if other is not stream:
                    other.rest()
            for module in modules:
                place = places.get(module)
                if place is not None:
                    stream.need(place)
                yield module
                if place is not None:
                    stream.done(place)
                self._pulse()

        return pace

    def _stay(self) -> None:
        """All tensors that neither stream nor visit come to the device for good."""
        away = {id(tensor) for group in self._groups.values() for tensor in group.tensors}
        away |= {id(tensor) for tensor in tensors_of(self._guests)}
        for tensor in tensors_of([self.transformer, *self._visitors]):
            if id(tensor) not in away and not tensor.is_meta and tensor.device != self._device:
                _move(tensor, self._device)


def _key(unit: Unit) -> int:
    return id(unit.tensors[0])


def _move(tensor: Tensor, device: torch.device) -> None:
    with torch.inference_mode(False):
        tensor.data = tensor.data.to(device)
