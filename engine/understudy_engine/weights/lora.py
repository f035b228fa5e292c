"""LoRAs: each bends the transformer's weights, by a strength: to the light of the clip, or to four steps.

W = W₀ + Σ strength · (alpha / rank · up · down + diff), in float32. It is merged when a strength changes, and W₀ is
read anew from its file: nothing accumulates, strength 0 gives the base model back to the bit, a step costs what it
does without LoRAs, and no second copy of the weights is kept. Left unmerged, a LoRA of rank 128 adds 5 % to the
arithmetic of the square linear layers in every step, and more than that in memory traffic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock, get_ident

import torch
from torch import Tensor

from ..errors import WeightsMismatch, WeightsMissing
from ..model.configs import TransformerSpec
from ..model.transformer import WanAnimateTransformer
from .fill import Filling
from .mapping import BLOCK, BLOCK_PREFIX, FACE_ADAPTER, FACE_ADAPTER_PREFIX, TRANSFORMER
from .parts import LORAS, Part

# Every linear layer of a block, by its original name. A relighting LoRA has all of them; one for four steps may touch
# fewer, and other tensors of the model: LightX2V's have differences of biases and norms (.diff_b, .diff) as well.
LORA_MODULES = (
    *(f"self_attn.{name}" for name in ("q", "k", "v", "o")),
    *(f"cross_attn.{name}" for name in ("q", "k", "v", "o", "k_img", "v_img")),
    "ffn.0",
    "ffn.2",
)
_KEY = re.compile(
    r"(?:base_model\.model\.|diffusion_model\.|transformer\.)*"
    r"(?P<module>.+?)"
    r"\.(?:(?P<half>lora_A|lora_B|lora_down|lora_up)(?:\.default)?\.weight|(?P<alpha>alpha)|(?P<diff>diff|diff_b))"
)
_HALVES = {"lora_A": "down", "lora_down": "down", "lora_B": "up", "lora_up": "up"}
_DIFFS = {"diff": "weight", "diff_b": "bias"}
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
    halves, alphas, diffs = _sorted_out(title, flat)
    required = module_names(transformer.spec) if part is Part.RELIGHTING_LORA else {}
    names = all_names(transformer.spec)
    _require_all(title, required, names, halves, {module for module, _ in diffs})
    state, changes = transformer.state_dict(), Changes()
    for original, pair in halves.items():
        down, up = pair["down"].flatten(1), pair["up"].flatten(1)
        ours = f"{names[original]}.weight"
        _require_shape(title, original, state[ours], down, up)
        changes[ours] = Change(down, up, alphas.get(original, alpha or len(down)) / len(down))
    for (original, leaf), diff in diffs.items():
        ours = names[original] if names[original] in state else f"{names[original]}.{leaf}"
        _require_same(title, f"{original} ({leaf})", state.get(ours), diff)
        changes[ours] = replace(changes.get(ours, Change()), diff=diff)
    return changes


def module_names(spec: TransformerSpec) -> dict[str, str]:
    """Original name -> ours of every linear layer of the blocks: 12 a block."""
    ours = {row.original: row.ours for row in BLOCK}
    prefixes = [BLOCK_PREFIX.numbered(n) for n in range(spec.layers)]
    return {f"{at.original}.{name}": f"{at.ours}.{ours[name]}" for at in prefixes for name in LORA_MODULES}


def all_names(spec: TransformerSpec) -> dict[str, str]:
    """Original name -> ours of every module, or tensor, that a LoRA may change."""
    rows = [*TRANSFORMER]
    rows += [row.under(BLOCK_PREFIX.numbered(n)) for n in range(spec.layers) for row in BLOCK]
    adapters = [FACE_ADAPTER_PREFIX.numbered(n) for n in range(spec.face_adapters)]
    rows += [row.under(at) for at in adapters for row in FACE_ADAPTER]
    return {row.original: row.ours for row in rows}


def _sorted_out(
    title: str, tensors: Mapping[str, Tensor]
) -> tuple[dict[str, dict[str, Tensor]], dict[str, float], dict[tuple[str, str], Tensor]]:
    halves: dict[str, dict[str, Tensor]] = {}
    alphas: dict[str, float] = {}
    diffs: dict[tuple[str, str], Tensor] = {}
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise WeightsMismatch(f"The {title} holds {key}, which is no tensor of a LoRA.", key=key)
        if match["alpha"]:
            alphas[match["module"]] = float(tensor)
        elif match["diff"]:
            diffs[match["module"], _DIFFS[match["diff"]]] = tensor
        else:
            halves.setdefault(match["module"], {})[_HALVES[match["half"]]] = tensor
    return halves, alphas, diffs


def _require_all(
    title: str,
    required: Mapping[str, str],
    names: Mapping[str, str],
    halves: Mapping[str, Mapping[str, Tensor]],
    diffs: set[str],
) -> None:
    wanted = {*required, *halves} & names.keys()
    if missing := [name for name in names if name in wanted and len(halves.get(name, {})) < 2]:
        raise WeightsMissing(
            f"The {title} lacks {len(missing)} of {len(wanted)} modules, first {missing[0]}. "
            "Download it again.",
            missing=len(missing),
        )
    if extra := [name for name in (*halves, *diffs) if name not in names]:
        raise WeightsMismatch(
            f"The {title} changes {len(extra)} modules that this model does not have, first {extra[0]}. "
            "It belongs to another model.",
            extra=len(extra),
        )
    if not halves and not diffs:
        raise WeightsMissing(f"The {title} changes nothing. Download it again.", missing=len(names))


def _require_shape(title: str, name: str, weight: Tensor, down: Tensor, up: Tensor) -> None:
    fits = down.ndim == up.ndim == 2 and len(down) == up.shape[1]
    if not fits or (len(up), down.shape[1]) != (len(weight), weight[0].numel()):
        raise WeightsMismatch(
            f"The {title}'s {name} is {tuple(up.shape)} x {tuple(down.shape)}, "
            f"the model's weight {tuple(weight.shape)}. It belongs to another model.",
            module=name,
        )


def _require_same(title: str, name: str, tensor: Tensor | None, diff: Tensor) -> None:
    if tensor is None or tensor.shape != diff.shape:
        found = "nothing" if tensor is None else tuple(tensor.shape)
        raise WeightsMismatch(
            f"The {title}'s {name} is {tuple(diff.shape)}, the model's {found}. It belongs to another model.",
            module=name,
        )


class Loras:
    """A transformer and its LoRAs, each at a strength that can be changed at any time between segments."""

    def __init__(self, transformer: Filling[WanAnimateTransformer], loras: Mapping[Part, Changes]) -> None:
        self.strengths: dict[Part, float] = {}  # those that are not 0
        self._transformer = transformer
        self._loras = {part: loras[part] for part in LORAS if part in loras}

    @property
    def parts(self) -> frozenset[Part]:
        """The LoRAs there are."""
        return frozenset(self._loras)

    def set_strengths(self, strengths: Mapping[Part, float]) -> None:
        """1 is as trained. What is not named gets 0, what is not there is passed over.

        Where all are 0 the base model is back to the bit. At 14B a change reads and merges about 30 GB.
        """
        wanted = {part: strengths[part] for part in self._loras if strengths.get(part)}
        if wanted == self.strengths:
            return
        changed = {name for part in {*self.strengths, *wanted} for name in self._loras[part]}
        self.strengths = {}  # unknown until it is done
        bend = Bending([(self._loras[part], strength) for part, strength in wanted.items()])
        self._transformer.again(changed, bend if wanted else None)
        self.strengths = wanted


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
