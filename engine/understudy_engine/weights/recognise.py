"""What a file of tensors is, told by the names and shapes it holds. Needs no torch.

Names of other models are those that ComfyUI's model_detection.py and the models' own code tell them by.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ..errors import ModelUnknown
from .parts import Part

Shape = tuple[int, ...]

PREFIXES = (
    *(
        "model.diffusion_model.",
        "diffusion_model.",
        "transformer.",
        "model.model.",
        "model.",
        "module.",
        "net.",
    ),
    *("first_stage_model.", "vae."),
)
"""What single files put before every name of a transformer or VAE: ComfyUI's checkpoints and exports, and trainers."""
BEHIND_PREFIX = ("blocks.0.", "encoder.conv")  # names that a transformer, or a VAE, has

LORA_ENDS = (".lora_A.weight", ".lora_B.weight", ".lora_down.weight", ".lora_up.weight", ".default.weight")
WAN_LAYER = re.compile(r"(.*\.|lora_unet__?)?blocks[._]\d+[._](self_attn|cross_attn|attn1|attn2|ffn)[._]")
"""What a LoRA of any Wan model changes; others have transformer_blocks, double_blocks and the like."""
MARKS: dict[Part, tuple[str, ...]] = {
    Part.TRANSFORMER: ("motion_encoder.", "face_encoder."),
    Part.VAE: ("encoder.downsamples.0.residual.", "encoder.down_blocks.0.norm1."),
    Part.IMAGE_ENCODER: ("visual.transformer.", "vision_model.encoder."),
    Part.TEXT_ENCODER: ("encoder.block.0.layer.0.SelfAttention.", "blocks.0.pos_embedding."),
}
"""Beginnings of names that no other part has; a file has all of a part's, or one of its namings'."""
PARTS = {
    Part.VAE: "a VAE",
    Part.IMAGE_ENCODER: "an image encoder",
    Part.TEXT_ENCODER: "a text encoder",
    Part.TRANSFORMER: "a transformer of Wan2.2-Animate",
}

OTHERS: tuple[tuple[str, str], ...] = (
    (r"blocks\.\d+\.block\.", "Wan-Animate-2"),
    (r"vace_blocks\.", "Wan VACE"),
    (r"(casual_)?audio_(encoder|injector)\.", "Wan2.2-S2V"),
    (r"audio_proj\.", "MultiTalk or InfiniteTalk"),
    (r"control_adapter\.|ref_conv\.", "Wan Fun Control"),
    (r"double_blocks\.|single_blocks\.", "Flux or HunyuanVideo"),
    (r"single_transformer_blocks\.", "Flux"),
    (r"transformer_blocks\.", "no Wan model"),
    (r"input_blocks\.|down_blocks\.\d+\.(resnets|attentions)\.", "Stable Diffusion"),
    (r"encoder\.downsamples\.0\.downsamples\.", "the VAE of Wan2.2-TI2V-5B"),
    (r"encoder\.(down|down_blocks)\.", "a VAE of another model"),
    (r"encoder\.block\.0\.layer\.0\.", "T5, not umT5"),
    (r"text_model\.", "CLIP's text encoder"),
)
"""Names that tell other networks from ours, the first of them counts."""
IMAGE_KEYS = re.compile(r"blocks\.0\.(cross_attn\.k_img|attn2\.add_k_proj)\.")
UNKNOWN = "no model that is known here"
OF_CHANNELS = {16: "Wan2.1 or Wan2.2 text-to-video", 36: "Wan2.2 image-to-video", 48: "Wan2.2-TI2V-5B"}


def without_prefix(names: Collection[str]) -> dict[str, str]:
    """Name without the prefix that a transformer's, or VAE's, names of a file have -> name as it stands there."""
    prefix = _prefix(names)
    return {name.removeprefix(prefix): name for name in names}


def _prefix(names: Collection[str]) -> str:
    for prefix in PREFIXES:
        behind = tuple(prefix + name for name in BEHIND_PREFIX)
        if any(name.startswith(behind) for name in names):
            return prefix
    return ""


def is_lora(names: Collection[str]) -> bool:
    return any(name.endswith(LORA_ENDS) for name in names)


def part_of(names: Collection[str], title: str) -> Part | None:
    """Which part of our model a file is; None for any other. LoRAs say what they are for in their *title* alone."""
    if is_lora(names):
        return _lora_of(title.lower()) if any(WAN_LAYER.match(name) for name in names) else None
    plain = without_prefix(names)
    for part, marks in MARKS.items():
        found = [any(name.startswith(mark) for name in plain) for mark in marks]
        if all(found) if part is Part.TRANSFORMER else any(found):
            return None if part is Part.TEXT_ENCODER and _is_older_t5(plain) else part
    return None


def _is_older_t5(names: Collection[str]) -> bool:
    """umT5 has a bias of its own in every block, T5 in the first alone."""
    second = [name for name in names if name.startswith("encoder.block.1.")]
    return bool(second) and not any("relative_attention_bias" in name for name in second)


def _lora_of(title: str) -> Part | None:
    if "relight" in title:
        return Part.RELIGHTING_LORA
    return Part.FOUR_STEP_LORA if re.search(r"step|lightx2v|lightning|distill", title) else None


def other_model(shapes: Mapping[str, Shape]) -> str:
    """What a file is that has no motion encoder of Wan-Animate: the name of its model, or the kind of its network."""
    if is_lora(shapes):
        return "a LoRA"
    if (part := part_of(shapes, "")) in PARTS:
        return PARTS[part]
    plain = {_bare(name): shape for name, shape in shapes.items()}
    for pattern, title in OTHERS:
        if any(re.match(pattern, name) for name in plain):
            return title
    if any(IMAGE_KEYS.match(name) for name in plain):
        return "Wan2.1 image-to-video"
    patch = plain.get("patch_embedding.weight", ())
    return OF_CHANNELS.get(patch[1] if len(patch) > 1 else 0, UNKNOWN)


def kind_unlike(part: Part, shapes: Mapping[str, Shape]) -> str:
    """What a file is that should be *part* and is something else that is known here; empty otherwise."""
    kind = "" if part_of(shapes, "") is part else other_model(shapes)
    return "" if kind == UNKNOWN else kind


def not_animate(where: str, shapes: Mapping[str, Shape]) -> ModelUnknown:
    """What to raise of the file, or files, *where*, which should have been the transformer."""
    return ModelUnknown(
        f"{where} has no motion encoder: it is {other_model(shapes)}, not Wan2.2-Animate, and not supported. "
        "Choose the Wan2.2-Animate-14B folder."
    )


def _bare(name: str) -> str:
    return name.removeprefix(next((prefix for prefix in PREFIXES if name.startswith(prefix)), ""))
