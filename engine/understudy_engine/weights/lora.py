"""LoRAs: each bends the transformer's weights, by a strength: to the light of the clip, or to four steps.

W = W₀ + Σ strength · (alpha / rank · up · down + diff), in float32. It is merged when a strength changes, and W₀ is
read anew from its file: nothing accumulates, strength 0 gives the base model back to the bit, a step costs what it
does without LoRAs, and no second copy of the weights is kept. Left unmerged, a LoRA of rank 128 adds 5 % to the
arithmetic of the square linear layers in every step, and more than that in memory traffic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock, get_ident

import torch
from torch import Tensor

from ..errors import WeightsMismatch
from ..model.between import Between, go_on
from ..model.transformer import WanAnimateTransformer
from .fill import Filling
from .lora_names import Shape, all_names, check_modules, check_shapes, module_names, sort_keys
from .parts import LORAS, Part

OTHER_ARITHMETIC = ("use_rslora", "use_dora", "alpha_pattern")
"""What PEFT may be told that is more than scale · up · down with one alpha."""
NEAR = 16  # changes of tensors that are kept on a device while weights are merged there


@dataclass(frozen=True, slots=True)
class Change:
    """What to add to one tensor: scale · up · down + diff."""

    down: Tensor | None = None  # (rank, in)
    up: Tensor | None = None  # (out, rank)
    scale: float = 1.0  # alpha / rank
    diff: Tensor | None = None

    def to(self, device: torch.device) -> Change:
        """In float32 on *device*."""
        down, up, diff = (
            None if tensor is None else tensor.to(device).float()
            for tensor in (self.down, self.up, self.diff)
        )
        return replace(self, down=down, up=up, diff=diff)

    def added(self, rows: Tensor, first: int, strength: float) -> Tensor:
        """*rows* of the tensor from row *first* on, float32, with this change at *strength*."""
        last = first + len(rows)
        if self.up is not None and self.down is not None:
            alpha = strength * self.scale
            rows = torch.addmm(rows.flatten(1), self.up[first:last], self.down, alpha=alpha).view_as(rows)
        if self.diff is not None:
            rows = torch.add(rows, self.diff[first:last], alpha=strength)
        return rows


Changes = dict[str, Change]
"""By the name of our tensor."""


def parse_lora(
    tensors: Mapping[str, Tensor | Mapping[str, Tensor]],
    transformer: WanAnimateTransformer,
    part: Part = Part.RELIGHTING_LORA,
    *,
    alpha: float | None = None,
) -> Changes:
    """What the LoRA *part* changes, from any of its spellings, also inside a dict under the key ``state_dict``.

    *alpha* is that of adapter_config.json where the tensors do not say it; None means the rank.

    Raises:
        WeightsMissing: a module without its pair.
        WeightsMismatch: a key that names no module of the model, or a tensor of another shape.
    """
    title, nested = LORAS[part], tensors.get("state_dict", tensors)
    if isinstance(nested, Tensor):
        raise WeightsMismatch(f"The {title}'s state_dict is no dict but a tensor. Download it again.")
    flat = {key: tensor for key, tensor in nested.items() if isinstance(tensor, Tensor)}
    required = module_names(transformer.spec) if part is Part.RELIGHTING_LORA else ()
    return read_changes(title, flat, transformer, required, alpha=alpha)


def read_changes(
    title: str,
    tensors: Mapping[str, Tensor],
    transformer: WanAnimateTransformer,
    required: Collection[str] = (),
    *,
    alpha: float | None = None,
) -> Changes:
    """As ``parse_lora`` of any LoRA, which sentences call *title*; it has to change the modules *required*."""
    names, state = all_names(transformer.spec), transformer.state_dict()
    keys = sort_keys(title, tensors, transformer.spec)
    check_modules(title, keys, names, required)
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    check_shapes(title, keys, shapes, _shapes(names, state))
    changes = Changes()
    for original, pair in keys.halves.items():
        down, up = (tensors[pair[half]].flatten(1) for half in ("down", "up"))
        own = tensors.get(keys.alphas.get(original, ""))
        scale = (_finite(title, original, float(own)) if own is not None else alpha or len(down)) / len(down)
        changes[f"{names[original]}.weight"] = Change(down, up, scale)
    for (original, leaf), key in keys.diffs.items():
        ours = names[original] if names[original] in state else f"{names[original]}.{leaf}"
        changes[ours] = replace(changes.get(ours, Change()), diff=tensors[key])
    return changes


def adapter_alpha(title: str, settings: Mapping[str, object]) -> float | None:
    """The alpha that PEFT's adapter_config.json says; None if it says none.

    Raises WeightsMismatch for one that asks for other arithmetic than alpha / rank, or whose alpha is no number.
    """
    if other := [name for name in OTHER_ARITHMETIC if settings.get(name)]:
        raise WeightsMismatch(
            f"The {title}'s adapter_config.json has {other[0]}, which is not read here. Use a LoRA without it.",
            setting=other[0],
        )
    alpha = settings.get("lora_alpha")
    if alpha is None:
        return None
    return _finite(title, "adapter_config.json", alpha if isinstance(alpha, (int, float)) else math.nan)


def _finite(title: str, where: str, alpha: float) -> float:
    if math.isfinite(alpha):
        return float(alpha)
    raise WeightsMismatch(f"The {title}'s {where} has an alpha that is no number. Download it again.")


def _shapes(names: Mapping[str, str], state: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Of the model's tensors, by their original names."""
    return {
        f"{original}{leaf}": tuple(state[f"{ours}{leaf}"].shape)
        for original, ours in names.items()
        for leaf in ("", ".weight", ".bias")
        if f"{ours}{leaf}" in state
    }


@dataclass(frozen=True, slots=True)
class OwnLora:
    """One of the artist's own, at a strength that is not 0."""

    key: str  # tells its content from any other
    strength: float
    read: Callable[[], Changes]


class Loras:
    """A transformer and its LoRAs, each at a strength that can be changed at any time between segments."""

    def __init__(self, transformer: Filling[WanAnimateTransformer], loras: Mapping[Part, Changes]) -> None:
        self.strengths: dict[str, float] = {}  # those that are not 0, in the order they were merged
        self._transformer = transformer
        self._loras = {part: loras[part] for part in LORAS if part in loras}
        self._bent: set[str] = set()  # tensors that may not be the base model's now

    @property
    def parts(self) -> frozenset[Part]:
        """The LoRAs there are, the artist's own not counted."""
        return frozenset(self._loras)

    def set_strengths(
        self, strengths: Mapping[Part, float], own: Sequence[OwnLora] = (), between: Between = go_on
    ) -> None:
        """1 is as trained. What is not named gets 0, what is not there is passed over; *own* come last, in order.

        Where all are 0 the base model is back to the bit. At 14B a change reads and merges about 30 GB. The artist's
        own are read now, and not kept: their files may change. *between* is called meanwhile, and what it raises is
        raised. What goes wrong is put right at the next call.
        """
        parts = {part: strengths[part] for part in self._loras if strengths.get(part)}
        wanted = [*parts.items(), *((lora.key, lora.strength) for lora in own)]
        if wanted == list(self.strengths.items()) and (wanted or not self._bent):
            return
        merged = [(self._loras[part], strength) for part, strength in parts.items()]
        merged += [(lora.read(), lora.strength) for lora in own]
        bent = {name for changes, _ in merged for name in changes}
        self.strengths = {}  # unknown until it is done
        self._bent |= bent
        self._transformer.again(self._bent, Bending(merged) if merged else None, between)
        self.strengths, self._bent = dict(wanted), bent


class Bending:
    """Changes at their strengths, for weights on their way."""

    def __init__(self, changes: list[tuple[Changes, float]]) -> None:
        self._changes = changes
        self._near: dict[tuple[int, int, str, torch.device], Change] = {}
        self._lock = Lock()

    def __call__(self, name: str, first_row: int, rows: Tensor) -> Tensor:
        for number, (changes, strength) in enumerate(self._changes):
            if name in changes:
                rows = self._on(rows.device, number, name).added(rows, first_row, strength)
        return rows

    def _on(self, device: torch.device, number: int, name: str) -> Change:
        """Brought to *device* once for all rows of a tensor, by the thread (and its stream) that merges them."""
        key = (get_ident(), number, name, device)
        with self._lock:
            if key in self._near:
                return self._near[key]
        change = self._changes[number][0][name].to(device)
        with self._lock:
            self._near[key] = change
            while len(self._near) > NEAR:
                del self._near[next(iter(self._near))]
        return change
