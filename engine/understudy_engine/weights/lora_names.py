"""What LoRA files call the tensors they change, and whether a model has a place for these. Needs no torch.

Files name modules as the original release does (after ``diffusion_model.`` in ComfyUI's, ``base_model.model.`` in
PEFT's, ``pipe.dit.`` in DiffSynth's), as Diffusers does (after ``transformer.``), or either with underscores (after
``lora_unet_``, as kohya's and musubi's trainers do).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import WeightsMismatch, WeightsMissing
from ..model.configs import TransformerSpec
from .mapping import BLOCK, BLOCK_PREFIX, FACE_ADAPTER, FACE_ADAPTER_PREFIX, TRANSFORMER, Row

Shape = tuple[int, ...]

# Every linear layer of a block, by its original name. A relighting LoRA has all of them; others may touch fewer, and
# other tensors of the model: LightX2V's have differences of norms, biases and modulations (.diff, .diff_b, .diff_m).
LORA_MODULES = (
    *(f"self_attn.{name}" for name in ("q", "k", "v", "o")),
    *(f"cross_attn.{name}" for name in ("q", "k", "v", "o", "k_img", "v_img")),
    "ffn.0",
    "ffn.2",
)
_KEY = re.compile(
    r"(?:base_model\.model\.|(?:model\.)?diffusion_model\.|transformer\.|pipe\.dit\.|lora_unet__?)*"
    r"(?P<module>.+?)"
    r"\.(?:(?P<half>lora_A|lora_B|lora_down|lora_up)(?:\.default)?\.weight|(?P<alpha>alpha)|(?P<diff>diff(?:_[bm])?))"
)
_HALVES = {"lora_A": "down", "lora_down": "down", "lora_B": "up", "lora_up": "up"}
_DIFFS = {"diff": "weight", "diff_b": "bias"}
_MODULATION = "diff_m"  # of a tensor that lies in the block, or head, itself


@dataclass(frozen=True, slots=True)
class LoraKeys:
    """The keys of a LoRA's tensors, by the original name of what each changes."""

    halves: dict[str, dict[str, str]] = field(default_factory=dict)  # of a module: its "down" and its "up"
    alphas: dict[str, str] = field(default_factory=dict)
    diffs: dict[tuple[str, str], str] = field(default_factory=dict)  # of a module's "weight" or "bias"


def module_names(spec: TransformerSpec) -> dict[str, str]:
    """Original name -> ours of every linear layer of the blocks: 12 a block."""
    ours = {row.original: row.ours for row in BLOCK}
    prefixes = [BLOCK_PREFIX.numbered(n) for n in range(spec.layers)]
    return {f"{at.original}.{name}": f"{at.ours}.{ours[name]}" for at in prefixes for name in LORA_MODULES}


def rows_changed(spec: TransformerSpec) -> list[Row]:
    """The names of every module, or tensor, that a LoRA may change."""
    blocks = (BLOCK_PREFIX.numbered(n) for n in range(spec.layers))
    adapters = (FACE_ADAPTER_PREFIX.numbered(n) for n in range(spec.face_adapters))
    return [
        *TRANSFORMER,
        *(row.under(at) for at in blocks for row in BLOCK),
        *(row.under(at) for at in adapters for row in FACE_ADAPTER),
    ]


def all_names(spec: TransformerSpec) -> dict[str, str]:
    """Original name -> ours of every module, or tensor, that a LoRA may change."""
    return {row.original: row.ours for row in rows_changed(spec)}


def sort_keys(title: str, keys: Iterable[str], spec: TransformerSpec) -> LoraKeys:
    """Raises WeightsMismatch for a key that is none of a LoRA's. Modules that are not the model's keep their names."""
    originals, found = _spellings(spec), LoraKeys()
    for key in keys:
        match = _KEY.fullmatch(key)
        if match is None:
            raise WeightsMismatch(f"The {title} holds {key}, which is no tensor of a LoRA.", key=key)
        module = originals.get(match["module"], match["module"])
        if match["alpha"]:
            found.alphas[module] = key
        elif match["diff"] == _MODULATION:
            found.diffs[f"{module}.modulation", "weight"] = key
        elif match["diff"]:
            found.diffs[module, _DIFFS[match["diff"]]] = key
        else:
            found.halves.setdefault(module, {})[_HALVES[match["half"]]] = key
    return found


def _spellings(spec: TransformerSpec) -> dict[str, str]:
    """Whatever files call a module -> its original name."""
    rows = rows_changed(spec)
    dotted = {row.diffusers: row.original for row in rows if "|" not in row.diffusers}
    dotted |= {row.original: row.original for row in rows}
    return {name.replace(".", "_"): original for name, original in dotted.items()} | dotted


def check_modules(title: str, keys: LoraKeys, names: Collection[str], required: Collection[str] = ()) -> None:
    """Refuses halves without their other, and modules that are not among *names*, the model's.

    Raises:
        WeightsMissing: a pair is not whole, one of *required* is not there, or there is nothing at all.
        WeightsMismatch: a module that the model does not have.
    """
    halves = keys.halves
    wanted = {*required, *halves} & set(names)
    if missing := [name for name in names if name in wanted and len(halves.get(name, {})) < 2]:
        raise WeightsMissing(
            f"The {title} lacks {len(missing)} of {len(wanted)} modules, first {missing[0]}. "
            "Download it again.",
            missing=len(missing),
        )
    diffs = dict.fromkeys(module for module, _ in keys.diffs)
    if extra := [name for name in (*halves, *diffs) if name not in names]:
        raise WeightsMismatch(
            f"The {title} changes {len(extra)} modules that this model does not have, first {extra[0]}. "
            "It belongs to another model.",
            extra=len(extra),
        )
    if not halves and not diffs:
        raise WeightsMissing(f"The {title} changes nothing. Download it again.", missing=len(names))


def check_shapes(title: str, keys: LoraKeys, shapes: Mapping[str, Shape], model: Mapping[str, Shape]) -> None:
    """Refuses tensors of other *shapes* (by key) than those of the *model* (by original name).

    Raises WeightsMismatch, which names the first and both shapes.
    """
    for module, pair in keys.halves.items():
        weight = model.get(f"{module}.weight")
        up, down = (_as_matrix(shapes[pair[half]]) for half in ("up", "down"))
        fits = len(up) == len(down) == 2 and up[1] == down[0]
        if weight is None or not fits or 0 in up or (up[0], down[1]) != _as_matrix(weight):
            raise WeightsMismatch(
                f"The {title} has {module} as {up} x {down}, the model has it as {weight or 'nothing'}. "
                "It belongs to another model.",
                module=module,
            )
    for module, key in keys.alphas.items():
        if math.prod(shapes[key]) != 1:
            raise WeightsMismatch(
                f"The {title}'s {module} has {math.prod(shapes[key])} alphas instead of one. Download it again.",
                module=module,
            )
    for (module, leaf), key in keys.diffs.items():
        there = model.get(module, model.get(f"{module}.{leaf}"))
        if there != shapes[key]:
            raise WeightsMismatch(
                f"The {title} has {module} ({leaf}) as {shapes[key]}, the model has it as {there or 'nothing'}. "
                "It belongs to another model.",
                module=module,
            )


def _as_matrix(shape: Shape) -> Shape:
    """As ``flatten(1)`` has it: of convolutions too."""
    return (shape[0], math.prod(shape[1:])) if len(shape) > 2 else shape
