"""Tensors as single files and releases store them, put right: prefixes, scales of fp8, and what nobody needs.

What fp8 files call things: ComfyUI's first convention is a scalar ``X.scale_weight`` beside ``X.weight`` and an empty
marker ``scaled_fp8`` (comfy/ops.py, also Kijai's ``fp8_scaled`` files), its second ``X.weight_scale`` and a JSON
description ``X.comfy_quant``, or one of all layers in the header; ours, of int8, is ``X.scale`` with one number a row.
Files in plain fp8 have no scale. Other descriptions are refused by their name (comfy/quant_ops.py: nvfp4, mxfp8, int8,
and fp8 of rotated weights), and so are scales of blocks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ..errors import WeightsMismatch
from .parts import Part
from .recognise import without_prefix
from .rows import INT8, SCALED
from .tensor_files import DESCRIPTION, Stored, described_as, unreadable

OURS = "scale"
SCALES = (OURS, "scale_weight", "weight_scale")
MARKERS = ("scaled_fp8", "spiece_model")
NOT_NEEDED_ENDS = (".scale_input", ".input_scale", f".{DESCRIPTION}")
READ = ("float8_e4m3fn", "float8_e5m2")
"""What ComfyUI may describe a layer as."""
NOT_NEEDED: dict[Part, tuple[str, ...]] = {
    # the text tower of the release's CLIP, and of those of transformers
    Part.IMAGE_ENCODER: ("textual.", "log_scale", "logit_scale", "text_model.", "text_projection."),
    Part.TEXT_ENCODER: ("logit_scale",),
}
TIED = ("encoder.embed_tokens.weight", "shared.weight")  # the same tensor in umT5; files hold either


def tidied(part: Part, tensors: Mapping[str, Stored], where: str) -> dict[str, Stored]:
    """By names without prefix, with scales in their tensors, and without what no network takes.

    *where* they lie, as sentences call it. Raises WeightsMismatch for layers that are stored in a way not known here.
    """
    plain = {name: tensors[stood] for name, stood in _plain(part, tensors).items()}
    for name, tensor in plain.items():
        if name.endswith(f".{DESCRIPTION}"):
            _require_read(name.removesuffix(f".{DESCRIPTION}"), described_as(tensor), where)
    needed = {name: tensor for name, tensor in plain.items() if not _is_spare(part, name)}
    found = {}
    for name, tensor in needed.items():
        if _scaled(name, needed) is None:
            found[name] = _with_scale(name, tensor, plain, where)
    return found


def _require_read(layer: str, said: object, where: str) -> None:
    """*said* is {"format": ...}, or the format alone."""
    facts = said if isinstance(said, dict) else {"format": said}
    kind = (
        f"{facts.get('format') or 'something unknown'}{' of rotated weights' if facts.get('convrot') else ''}"
    )
    if kind not in READ:
        raise WeightsMismatch(
            f"{where} stores {layer} as {kind}, which is not read here. Use a file in bf16, fp16, fp32 or fp8.",
            kind=kind,
        )


def _plain(part: Part, tensors: Mapping[str, Stored]) -> dict[str, str]:
    if part in (Part.TRANSFORMER, Part.VAE):
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


def _with_scale(name: str, tensor: Stored, tensors: Mapping[str, Stored], where: str) -> Stored:
    if tensor.dtype not in SCALED:
        return tensor
    module = name.removesuffix(".weight")
    if tensor.dtype is INT8 and (f"{module}.{OURS}" not in tensors or f"{module}.comfy_quant" in tensors):
        return replace(unreadable(name, "int8 without a scale for each row", "the file"), shape=tensor.shape)
    scales = [tensors[f"{module}.{leaf}"] for leaf in SCALES if f"{module}.{leaf}" in tensors]
    for scale in scales:
        one_a_row = scale.shape[:1] == tensor.shape[:1] == (math.prod(scale.shape),)
        if not one_a_row and math.prod(scale.shape) != 1:
            raise WeightsMismatch(
                f"{where} stores {name} with scales of shape {scale.shape}. Here one is read for all of its "
                f"{tensor.shape[0]} rows, or one for each. Use a file with such scales, or one in bf16.",
                shape=str(scale.shape),
            )
    return replace(tensor, scale=scales[0].load) if scales else tensor
