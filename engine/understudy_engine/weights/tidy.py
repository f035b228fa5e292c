"""Tensors as single files and releases store them, put right: prefixes, scales of fp8, and what nobody needs.

What fp8 files call things: ComfyUI's first convention is a scalar ``X.scale_weight`` beside ``X.weight`` and an empty
marker ``scaled_fp8`` (comfy/ops.py, also Kijai's ``fp8_scaled`` files), its second ``X.weight_scale`` and a JSON
description ``X.comfy_quant``; ours, of int8, is ``X.scale`` with one number a row. Files in plain fp8 have no scale.
Other int8 files are refused: some of them store rotated weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .parts import Part
from .recognise import without_prefix
from .rows import INT8, SCALED
from .tensor_files import Stored, unreadable

OURS = "scale"
SCALES = (OURS, "scale_weight", "weight_scale")
MARKERS = ("scaled_fp8", "spiece_model")
NOT_NEEDED_ENDS = (".scale_input", ".input_scale", ".comfy_quant")
NOT_NEEDED: dict[Part, tuple[str, ...]] = {
    # the text tower of the release's CLIP, and of those of transformers
    Part.IMAGE_ENCODER: ("textual.", "log_scale", "logit_scale", "text_model.", "text_projection."),
    Part.TEXT_ENCODER: ("logit_scale",),
}
TIED = ("encoder.embed_tokens.weight", "shared.weight")  # the same tensor in umT5; files hold either


def tidied(part: Part, tensors: Mapping[str, Stored]) -> dict[str, Stored]:
    """By names without prefix, with scales in their tensors, and without what no network takes."""
    plain = {name: tensors[stood] for name, stood in _plain(part, tensors).items()}
    needed = {name: tensor for name, tensor in plain.items() if not _is_spare(part, name)}
    found = {}
    for name, tensor in needed.items():
        if _scaled(name, needed) is None:
            found[name] = _with_scale(name, tensor, plain)
    return found


def _plain(part: Part, tensors: Mapping[str, Stored]) -> dict[str, str]:
    if part is Part.TRANSFORMER:
        return without_prefix(tensors)
    if part is Part.TEXT_ENCODER and TIED[0] in tensors:
        return {TIED[1] if name == TIED[0] else name: name for name in tensors if name != TIED[1]}
    return {name: name for name in tensors}


def _is_spare(part: Part, name: str) -> bool:
    return (
        name in MARKERS
        or name.endswith((*NOT_NEEDED_ENDS, ".position_ids"))
        or name.startswith(NOT_NEEDED.get(part, ()) or "\0")
    )


def _scaled(name: str, tensors: Mapping[str, Stored]) -> str | None:
    """The weight that the tensor *name* is the scale of, if it is one."""
    module, _, leaf = name.rpartition(".")
    weight = f"{module}.weight"
    if leaf in SCALES and weight in tensors and tensors[weight].dtype in SCALED:
        return weight
    return None


def _with_scale(name: str, tensor: Stored, tensors: Mapping[str, Stored]) -> Stored:
    if tensor.dtype not in SCALED:
        return tensor
    module = name.removesuffix(".weight")
    if tensor.dtype is INT8 and (f"{module}.{OURS}" not in tensors or f"{module}.comfy_quant" in tensors):
        return replace(unreadable(name, "int8 without a scale for each row", "the file"), shape=tensor.shape)
    scales = [tensors[f"{module}.{leaf}"] for leaf in SCALES if f"{module}.{leaf}" in tensors]
    return replace(tensor, scale=scales[0].load) if scales else tensor
