"""LoRAs: each bends the transformer's linear layers, by a strength: to the light of the clip, or to four steps.

W = W₀ + Σ strength · alpha / rank · up · down, merged in float32, always from the pristine W₀: however often
strengths change, and in whatever order, nothing accumulates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import WeightsMismatch, WeightsMissing
from ..model.configs import TransformerSpec
from ..model.transformer import WanAnimateTransformer
from .mapping import BLOCK, BLOCK_PREFIX
from .parts import LORAS, Part

# Every linear layer of a block, by its original name. All of them, or the file is no LoRA of this model.
LORA_MODULES = (
    *(f"self_attn.{name}" for name in ("q", "k", "v", "o")),
    *(f"cross_attn.{name}" for name in ("q", "k", "v", "o", "k_img", "v_img")),
    "ffn.0",
    "ffn.2",
)
_KEY = re.compile(
    r"(?:base_model\.model\.|diffusion_model\.)*"
    r"(?P<module>blocks\.\d+\..+?)"
    r"\.(?:(?P<half>lora_A|lora_B|lora_down|lora_up)(?:\.default)?\.weight|(?P<alpha>alpha))"
)
_HALVES = {"lora_A": "down", "lora_down": "down", "lora_B": "up", "lora_up": "up"}


@dataclass(frozen=True, slots=True)
class LoraPair:
    """What to add to one weight: scale · up · down."""

    down: Tensor  # (rank, in)
    up: Tensor  # (out, rank)
    scale: float  # alpha / rank

    def added(self, weight: Tensor, strength: float) -> Tensor:
        """weight + strength · scale · up · down, in float32."""
        up, down = self.up.to(weight.device).float(), self.down.to(weight.device).float()
        return torch.addmm(weight.float(), up, down, alpha=strength * self.scale)


Pairs = dict[str, LoraPair]
"""By the name of our module."""


def parse_lora(
    tensors: Mapping[str, Tensor | Mapping[str, Tensor]],
    transformer: WanAnimateTransformer,
    part: Part = Part.RELIGHTING_LORA,
    *,
    alpha: float | None = None,
) -> Pairs:
    """The pairs of the LoRA *part* in any of its spellings, also inside a dict under the key ``state_dict``.

    *alpha* is that of adapter_config.json where the tensors do not say it; None means the rank.

    Raises:
        WeightsMissing: a module without its pair.
        WeightsMismatch: a key that names no module of the blocks, or a pair of another shape.
    """
    title, nested = LORAS[part], tensors.get("state_dict", tensors)
    if isinstance(nested, Tensor):
        raise WeightsMismatch(f"The {title}'s state_dict is no dict but a tensor. Download it again.")
    flat = {key: tensor for key, tensor in nested.items() if isinstance(tensor, Tensor)}
    halves, alphas = _sorted_out(title, flat)
    names = module_names(transformer.spec)
    _require_all(title, names, halves)
    pairs = {}
    for original, ours in names.items():
        down, up = halves[original]["down"], halves[original]["up"]
        _require_shape(title, original, transformer.get_parameter(f"{ours}.weight"), down, up)
        pairs[ours] = LoraPair(down, up, alphas.get(original, alpha or len(down)) / len(down))
    return pairs


def module_names(spec: TransformerSpec) -> dict[str, str]:
    """Original name -> ours of every module the LoRA changes: 12 a block."""
    ours = {row.original: row.ours for row in BLOCK}
    prefixes = [BLOCK_PREFIX.numbered(n) for n in range(spec.layers)]
    return {f"{at.original}.{name}": f"{at.ours}.{ours[name]}" for at in prefixes for name in LORA_MODULES}


def _sorted_out(
    title: str, tensors: Mapping[str, Tensor]
) -> tuple[dict[str, dict[str, Tensor]], dict[str, float]]:
    halves: dict[str, dict[str, Tensor]] = {}
    alphas: dict[str, float] = {}
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise WeightsMismatch(f"The {title} holds {key}, which is no LoRA tensor of a block.", key=key)
        if match["alpha"]:
            alphas[match["module"]] = float(tensor)
        else:
            halves.setdefault(match["module"], {})[_HALVES[match["half"]]] = tensor
    return halves, alphas


def _require_all(title: str, names: Mapping[str, str], halves: Mapping[str, Mapping[str, Tensor]]) -> None:
    missing = [name for name in names if len(halves.get(name, {})) < 2]
    if missing:
        raise WeightsMissing(
            f"The {title} lacks {len(missing)} of {len(names)} modules, first {missing[0]}. "
            "Download it again.",
            missing=len(missing),
        )
    extra = [name for name in halves if name not in names]
    if extra:
        raise WeightsMismatch(
            f"The {title} changes {len(extra)} modules that this model does not have, first {extra[0]}. "
            "It belongs to another model.",
            extra=len(extra),
        )


def _require_shape(title: str, name: str, weight: Tensor, down: Tensor, up: Tensor) -> None:
    fits = down.ndim == up.ndim == 2 and len(down) == up.shape[1]
    if not fits or (len(up), down.shape[1]) != weight.shape:
        raise WeightsMismatch(
            f"The {title}'s {name} is {tuple(up.shape)} x {tuple(down.shape)}, "
            f"the model's weight {tuple(weight.shape)}. It belongs to another model.",
            module=name,
        )


class Loras:
    """A transformer and its LoRAs, each at a strength that can be changed at any time between segments.

    While any strength is not 0, the pristine weights are kept on the host: at 14B about 30 GB in bfloat16.
    """

    def __init__(self, transformer: WanAnimateTransformer, loras: Mapping[Part, Pairs]) -> None:
        self.strengths: dict[Part, float] = {}  # those that are not 0
        self._loras = {part: loras[part] for part in LORAS if part in loras}
        names = {name for pairs in self._loras.values() for name in pairs}
        self._weights = {name: transformer.get_parameter(f"{name}.weight") for name in names}
        self._pristine: dict[str, Tensor] = {}

    @property
    def parts(self) -> frozenset[Part]:
        """The LoRAs there are."""
        return frozenset(self._loras)

    @torch.no_grad()
    def set_strengths(self, strengths: Mapping[Part, float]) -> None:
        """1 is as trained. What is not named gets 0, what is not there is passed over.

        Where all are 0 the base model is back to the bit.
        """
        wanted = {part: strengths[part] for part in self._loras if strengths.get(part)}
        if wanted == self.strengths:
            return
        if not self._pristine:
            self._pristine = {name: weight.to("cpu", copy=True) for name, weight in self._weights.items()}
        for name, weight in self._weights.items():
            merged = self._pristine[name].to(weight.device)
            for part, strength in wanted.items():
                merged = self._loras[part][name].added(merged, strength)
            weight.copy_(merged)
        if not wanted:
            self._pristine = {}
        self.strengths = wanted
