"""The transformer's weights in the units that they come in: what a block needs in a step, and what keys are made of.

Keys of the context and of faces are made once a segment, and the quarter of all weights that makes them is needed
then alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..memory_plans import MemoryPlan, streamed_blocks
from ..model.blocks import Block, FaceAdapter
from ..model.configs import ModelSpec
from ..model.transformer import WanAnimateTransformer
from .group import tensors_of


class Unit(NamedTuple):
    owner: nn.Module  # whoever is about to use them
    tensors: list[Tensor]


def step_units(net: WanAnimateTransformer) -> list[Unit]:
    """One a block, with the face adapter that comes after it."""
    every, units = net.spec.face_every, []
    for i, block in enumerate(net.blocks):
        owned: list[nn.Module] = [block]
        makes_keys = _makes_keys(block)
        if i % every == 0:
            adapter = net.face_adapters[i // every]
            owned.append(adapter)
            makes_keys += _makes_face_keys(adapter)
        units.append(Unit(block, _without(tensors_of(owned), tensors_of(makes_keys))))
    return units


def key_units(net: WanAnimateTransformer) -> list[Unit]:
    """One a block, then one a face adapter."""
    of_blocks = [Unit(block, tensors_of(_makes_keys(block))) for block in net.blocks]
    return of_blocks + [Unit(each, tensors_of(_makes_face_keys(each))) for each in net.face_adapters]


def placing(spec: ModelSpec, plan: MemoryPlan, device: torch.device) -> Callable[[str], torch.device]:
    """Where each of the transformer's tensors is loaded to, by name: those that are streamed stay on the host."""
    with torch.device("meta"):
        net = WanAnimateTransformer(spec.transformer, spec.face)
    steps = step_units(net)
    away = [steps[i] for i in streamed_blocks(len(steps), plan.streamed_blocks)]
    away += key_units(net) if plan.streams_keys else []
    at_home = {id(tensor) for unit in away for tensor in unit.tensors}
    names = {
        name for name, tensor in (*net.named_parameters(), *net.named_buffers()) if id(tensor) in at_home
    }
    host = torch.device("cpu")
    # what a layer of few bits has beside its weight goes with that
    return lambda name: host if {name, f"{name.rpartition('.')[0]}.weight"} & names else device


def _makes_keys(block: Block) -> list[nn.Module]:
    looks = block.cross_attention
    return [looks.k, looks.v, looks.k_image, looks.v_image, looks.k_norm, looks.k_image_norm]


def _makes_face_keys(adapter: FaceAdapter) -> list[nn.Module]:
    return [adapter.kv, adapter.k_norm]


def _without(tensors: Iterable[Tensor], others: Iterable[Tensor]) -> list[Tensor]:
    left_out = {id(other) for other in others}
    return [tensor for tensor in tensors if id(tensor) not in left_out]
