"""Weights into one network: built on meta, then filled strictly; no tensor missing, none left over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from ..errors import WeightsMismatch, WeightsMissing
from ..model.between import Between, go_on
from .mapping import NameTable, Naming, Rename, Shape, manifest, renames
from .parts import Part
from .pour import Bend, Move, Target, moves, pour
from .recognise import kind_unlike
from .rows import INT8
from .sources import WeightSource
from .tensor_files import Stored

Network = TypeVar("Network", bound=nn.Module)
Place = Callable[[str], torch.device]
"""Where one of our tensors goes, by its name."""
ALIGNED_BYTES = 64
SCALE = ".scale"  # the name of what weights in int8 are multiplied with, behind their module's


@dataclass(frozen=True, slots=True)
class Filling(Generic[Network]):
    """A network with its weights, and where they came from: any of them can be had again."""

    network: Network
    source: WeightSource
    part: Part
    renames: tuple[Rename, ...]
    device: torch.device  # where arithmetic is done, wherever tensors lie

    def again(self, names: Collection[str], bend: Bend | None = None, between: Between = go_on) -> None:
        """Our tensors *names* as they were first filled, or as *bend* has them: in place, wherever they are now.

        Their files are read anew: no copy of the weights is kept in the meantime. Tensors that are stored in one with
        any of *names* are filled too. *between* is called meanwhile; what it raises leaves some of them as they were.
        """
        state, wanted = weights_of(self.network).state_dict(), set(names)
        todo: list[Move] = []
        for rename in self.renames:
            if not wanted.isdisjoint(rename.ours):
                todo += moves(_stored(self.source, self.part, rename), _targets(rename.ours, state))
        pour(todo, bend, device=self.device, between=between)


def filling(
    build: Callable[[], Network],
    table: NameTable,
    source: WeightSource,
    part: Part,
    *,
    device: torch.device,
    dtype: torch.dtype,
    place: Place | None = None,
) -> Filling[Network]:
    """The network of *build* with the weights of *source*, ready for inference, each tensor where *place* says.

    What a network names in ``float32_parts`` stays float32; what it builds as int8, with a ``scale`` for each row
    beside it, is filled from files of int8 as they are and quantised from others; the rest is in *dtype*. On the CPU,
    tensors that are stored as they are wanted stay in the mapped file. Otherwise memory is the network and 256 MB of
    buffers.

    Raises:
        WeightsMissing, WeightsMismatch: tensors are absent, left over, or of another shape; they are named.
    """
    device = torch.empty(0, device=device).device  # "cuda" is one card by number
    with torch.device("meta"):
        network = build()
    target = weights_of(network)
    built = target.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in built.items() if not _is_scale(name, built)}
    held = source.shapes(part)
    naming = naming_of(table, shapes, held)
    check(part, manifest(table, shapes, naming), source, optional=table.spare(naming))
    found = Filling(network, source, part, tuple(renames(table, shapes, naming)), device)
    state: dict[str, Tensor] = {}
    todo: list[Move] = []
    for rename in found.renames:
        stored = _stored(source, part, rename)
        kinds = [_dtype_of(network, name, dtype, built) for name in rename.ours]
        mapped = _mapped(rename, stored, kinds[0]) if device.type == "cpu" and not place else None
        if mapped is not None:
            state[rename.ours[0]] = mapped
            continue
        for name, kind in zip(rename.ours, kinds, strict=True):
            state |= _made(name, built, place(name) if place else device, kind)
        todo += moves(stored, _targets(rename.ours, state))
    pour(todo, device=device)
    state |= {name: state[other] for name, other in table.tied.items()}
    target.load_state_dict(state, strict=True, assign=True)
    network.eval().requires_grad_(False)
    return found


def weights_of(network: nn.Module) -> nn.Module:
    """The module whose tensors the name tables speak of: a wrapped model of transformers, or the network itself."""
    wrapped = getattr(network, "wrapped", None)
    return wrapped if isinstance(wrapped, nn.Module) else network


def check(
    part: Part,
    wanted: Mapping[str, Shape],
    source: WeightSource,
    optional: Mapping[str, Shape] | None = None,
) -> None:
    """Refuses tensors that are missing, left over or misshapen, naming the first of them and their file."""
    held = source.shapes(part)
    if held is None:
        return
    if missing := [name for name in wanted if name not in held and name not in (optional or {})]:
        if 2 * len(missing) > len(wanted) and (kind := kind_unlike(part, held)):
            raise WeightsMismatch(
                f"{source.where(part)} cannot be the {part}: it is {kind}. Put the {part} of Wan2.2-Animate there.",
                part=part.value,
            )
        raise WeightsMissing(
            f"The weights of the {part} lack {_some(missing)} of {len(wanted)} tensors ({source.where(part)}). "
            "Download the model again.",
            part=part.value,
            missing=len(missing),
        )
    if extra := [name for name in held if name not in wanted]:
        raise WeightsMismatch(
            f"The weights of the {part} hold {_some(extra)} tensors that this model has no place for, in "
            f"{source.where(part, extra)}. Check that the folder holds this model and no other.",
            part=part.value,
            extra=len(extra),
        )
    if wrong := [name for name, shape in held.items() if tuple(shape) != tuple(wanted[name])]:
        described = ", ".join(f"{name} is {held[name]} instead of {wanted[name]}" for name in wrong[:3])
        raise WeightsMismatch(
            f"The weights of the {part} have {len(wrong)} tensors of another shape, in {source.where(part, wrong)}: "
            f"{described}. Check that the folder holds this model and no other.",
            part=part.value,
            misshapen=len(wrong),
        )


def _some(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _stored(source: WeightSource, part: Part, rename: Rename) -> list[Stored]:
    pairs = zip(rename.theirs, rename.their_shapes, strict=True)
    return [source.stored(part, name, shape) for name, shape in pairs]


def _targets(names: Sequence[str], state: Mapping[str, Tensor]) -> list[Target]:
    return [Target(name, state[name], state.get(_scale_name(name))) for name in names]


def _mapped(rename: Rename, stored: Sequence[Stored], dtype: torch.dtype) -> Tensor | None:
    """The stored tensor itself, if it is what is wanted.

    Where its file has it at an odd place it is copied: from there kernels are slower, and round otherwise.
    """
    if len(rename.ours) > 1 or len(stored) > 1 or stored[0].dtype is not dtype or dtype is INT8:
        return None
    tensor = stored[0].load().reshape(rename.our_shapes[0]).contiguous()
    return tensor if tensor.data_ptr() % ALIGNED_BYTES == 0 else tensor.clone()


def _made(
    name: str, built: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Room for our tensor *name*, and for its scales where it is int8."""
    made = {name: torch.empty(built[name].shape, dtype=dtype, device=device)}
    if dtype is INT8:
        scale = _scale_name(name)
        made[scale] = torch.empty(built[scale].shape, dtype=torch.float32, device=device)
    return made


def _scale_name(name: str) -> str:
    return name.removesuffix(".weight") + SCALE


def _is_scale(name: str, built: Mapping[str, Tensor]) -> bool:
    weight = built.get(f"{name.removesuffix(SCALE)}.weight") if name.endswith(SCALE) else None
    return weight is not None and weight.dtype is INT8


def _dtype_of(network: nn.Module, name: str, dtype: torch.dtype, built: Mapping[str, Tensor]) -> torch.dtype:
    """Modules in int8 say themselves what else they hold."""
    if f"{name.rpartition('.')[0]}{SCALE}" in built:
        return built[name].dtype
    delicate: Sequence[str] = getattr(network, "float32_parts", ())
    return torch.float32 if any(part in name for part in delicate) else dtype


def naming_of(table: NameTable, shapes: Mapping[str, Shape], held: Mapping[str, Shape] | None) -> Naming:
    """The naming that most of the tensors held are in."""
    if held is None or not any(row.diffusers for row in table.rows):
        return Naming.ORIGINAL
    return max(Naming, key=lambda naming: len(held.keys() & manifest(table, shapes, naming).keys()))
