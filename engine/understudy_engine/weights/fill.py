"""Weights into one network: built on meta, then filled strictly; no tensor missing, none left over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import WeightsMismatch, WeightsMissing
from .mapping import NameTable, Naming, Shape, manifest, renames
from .parts import Part
from .sources import WeightSource

Network = TypeVar("Network", bound=nn.Module)


def fill(
    build: Callable[[], Network],
    table: NameTable,
    source: WeightSource,
    part: Part,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> Network:
    """The network of *build* with the weights of *source* in *dtype*, ready for inference.

    What a network names in ``float32_parts`` stays float32. Peak memory is the network and one tensor.
    """
    with torch.device("meta"):
        network = build()
    target = weights_of(network)
    shapes = {name: tuple(tensor.shape) for name, tensor in target.state_dict().items()}
    held = source.shapes(part)
    naming = _naming(table, shapes, held)
    check(part, manifest(table, shapes, naming), held, optional=table.unused)
    state: dict[str, Tensor] = {}
    for rename in renames(table, shapes, naming):
        pairs = zip(rename.theirs, rename.their_shapes, strict=True)
        tensors = rename.to_ours([source.read(part, name, shape) for name, shape in pairs])
        for name, tensor in zip(rename.ours, tensors, strict=True):
            state[name] = tensor.to(device, _dtype_of(network, name, dtype)).contiguous()
    state |= {name: state[other] for name, other in table.tied.items()}
    target.load_state_dict(state, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def weights_of(network: nn.Module) -> nn.Module:
    """The module whose tensors the name tables speak of: a wrapped model of transformers, or the network itself."""
    wrapped = getattr(network, "wrapped", None)
    return wrapped if isinstance(wrapped, nn.Module) else network


def check(
    part: Part,
    wanted: Mapping[str, Shape],
    held: Mapping[str, Shape] | None,
    optional: Mapping[str, Shape] | None = None,
) -> None:
    """Refuses tensors that are missing, left over or misshapen, naming the first of them."""
    if held is None:
        return
    if missing := [name for name in wanted if name not in held and name not in (optional or {})]:
        raise WeightsMissing(
            f"The weights of the {part} lack {_some(missing)} of {len(wanted)} tensors. Download the model again.",
            part=part.value,
            missing=len(missing),
        )
    if extra := [name for name in held if name not in wanted]:
        raise WeightsMismatch(
            f"The weights of the {part} hold {_some(extra)} tensors that this model has no place for. "
            "Check that the folder holds this model and no other.",
            part=part.value,
            extra=len(extra),
        )
    if wrong := [name for name, shape in held.items() if tuple(shape) != tuple(wanted[name])]:
        described = ", ".join(f"{name} is {held[name]} instead of {wanted[name]}" for name in wrong[:3])
        raise WeightsMismatch(
            f"The weights of the {part} have {len(wrong)} tensors of another shape: {described}. "
            "Check that the folder holds this model and no other.",
            part=part.value,
            misshapen=len(wrong),
        )


def _some(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _dtype_of(network: nn.Module, name: str, dtype: torch.dtype) -> torch.dtype:
    delicate: Sequence[str] = getattr(network, "float32_parts", ())
    return torch.float32 if any(part in name for part in delicate) else dtype


def _naming(table: NameTable, shapes: Mapping[str, Shape], held: Mapping[str, Shape] | None) -> Naming:
    """The naming that most of the tensors held are in."""
    if held is None or not any(row.diffusers for row in table.rows):
        return Naming.ORIGINAL
    return max(Naming, key=lambda naming: len(held.keys() & manifest(table, shapes, naming).keys()))
