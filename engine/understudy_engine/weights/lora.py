"""The relighting LoRA: it bends the transformer's linear layers to the light of the clip, by a strength.

W = W₀ + strength · alpha / rank · up · down, merged in float32, always from the pristine W₀: however often the
strength changes, nothing accumulates.
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

# Every linear layer of a block, by its original name. All of them, or the file is not the relighting LoRA.
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

    def merged(self, base: Tensor, strength: float) -> Tensor:
        """base + strength · scale · up · down, computed in float32, in the dtype of *base*."""
        up, down = self.up.to(base.device).float(), self.down.to(base.device).float()
        return torch.addmm(base.float(), up, down, alpha=strength * self.scale).to(base.dtype)


Pairs = dict[str, LoraPair]
"""By the name of our module."""


def parse_lora(
    tensors: Mapping[str, Tensor | Mapping[str, Tensor]],
    transformer: WanAnimateTransformer,
    *,
    alpha: float | None = None,
) -> Pairs:
    """The pairs of a relighting LoRA in any of its spellings, also inside a dict under the key ``state_dict``.

    *alpha* is that of adapter_config.json where the tensors do not say it; None means the rank.

    Raises:
        WeightsMissing: a module without its pair.
        WeightsMismatch: a key that names no module of the blocks, or a pair of another shape.
    """
    nested = tensors.get("state_dict", tensors)
    if isinstance(nested, Tensor):
        raise WeightsMismatch("The relighting LoRA's state_dict is no dict but a tensor. Download it again.")
    flat = {key: tensor for key, tensor in nested.items() if isinstance(tensor, Tensor)}
    halves, alphas = _sorted_out(flat)
    names = module_names(transformer.spec)
    _require_all(names, halves)
    pairs = {}
    for original, ours in names.items():
        down, up = halves[original]["down"], halves[original]["up"]
        _require_shape(original, transformer.get_parameter(f"{ours}.weight"), down, up)
        pairs[ours] = LoraPair(down, up, alphas.get(original, alpha or len(down)) / len(down))
    return pairs


def module_names(spec: TransformerSpec) -> dict[str, str]:
    """Original name -> ours of every module the LoRA changes: 12 a block."""
    ours = {row.original: row.ours for row in BLOCK}
    prefixes = [BLOCK_PREFIX.numbered(n) for n in range(spec.layers)]
    return {f"{at.original}.{name}": f"{at.ours}.{ours[name]}" for at in prefixes for name in LORA_MODULES}


def _sorted_out(tensors: Mapping[str, Tensor]) -> tuple[dict[str, dict[str, Tensor]], dict[str, float]]:
    halves: dict[str, dict[str, Tensor]] = {}
    alphas: dict[str, float] = {}
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise WeightsMismatch(
                f"The relighting LoRA holds {key}, which is no LoRA tensor of a block.", key=key
            )
        if match["alpha"]:
            alphas[match["module"]] = float(tensor)
        else:
            halves.setdefault(match["module"], {})[_HALVES[match["half"]]] = tensor
    return halves, alphas


def _require_all(names: Mapping[str, str], halves: Mapping[str, Mapping[str, Tensor]]) -> None:
    missing = [name for name in names if len(halves.get(name, {})) < 2]
    if missing:
        raise WeightsMissing(
            f"The relighting LoRA lacks {len(missing)} of {len(names)} modules, first {missing[0]}. "
            "Download it again.",
            missing=len(missing),
        )
    extra = [name for name in halves if name not in names]
    if extra:
        raise WeightsMismatch(
            f"The relighting LoRA changes {len(extra)} modules that this model does not have, first {extra[0]}. "
            "It belongs to another model.",
            extra=len(extra),
        )


def _require_shape(name: str, weight: Tensor, down: Tensor, up: Tensor) -> None:
    fits = down.ndim == up.ndim == 2 and len(down) == up.shape[1]
    if not fits or (len(up), down.shape[1]) != weight.shape:
        raise WeightsMismatch(
            f"The relighting LoRA's {name} is {tuple(up.shape)} x {tuple(down.shape)}, "
            f"the model's weight {tuple(weight.shape)}. It belongs to another model.",
            module=name,
        )


class Relighting:
    """A transformer and its LoRA, at a strength that can be changed at any time between segments.

    While the strength is not 0, the pristine weights are kept on the host: at 14B about 30 GB in bfloat16.
    """

    def __init__(self, transformer: WanAnimateTransformer, pairs: Pairs) -> None:
        self.strength = 0.0
        self._pairs = pairs
        self._weights = {name: transformer.get_parameter(f"{name}.weight") for name in pairs}
        self._pristine: dict[str, Tensor] = {}

    @torch.no_grad()
    def set_strength(self, strength: float) -> None:
        """0 gives the base model back to the bit, 1 is as trained."""
        if strength == self.strength:
            return
        if not self._pristine:
            self._pristine = {name: weight.to("cpu", copy=True) for name, weight in self._weights.items()}
        for name, weight in self._weights.items():
            base = self._pristine[name].to(weight.device)
            weight.copy_(self._pairs[name].merged(base, strength) if strength else base)
        if not strength:
            self._pristine = {}
        self.strength = strength
