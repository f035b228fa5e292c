"""What a file of tensors is, told by the names and shapes it holds. Needs no torch.

Names of other models are those that ComfyUI's model_detection.py and the models' own code tell them by.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from .parts import Part

Shape = tuple[int, ...]

PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.")
"""What single files put before every name of the transformer: ComfyUI's checkpoints and exports, and trainers."""

LORA_ENDS = (".lora_A.weight", ".lora_B.weight", ".lora_down.weight", ".lora_up.weight", ".default.weight")
MARKS: dict[Part, tuple[str, ...]] = {
    Part.TRANSFORMER: ("motion_encoder.", "face_encoder."),
    Part.VAE: ("encoder.downsamples.", "encoder.down_blocks."),
    Part.IMAGE_ENCODER: ("visual.transformer.", "vision_model.encoder."),
    Part.TEXT_ENCODER: ("encoder.block.0.layer.0.SelfAttention.", "blocks.0.pos_embedding."),
}
"""Beginnings of names that no other part has; a file has all of a part's, or one of its namings'."""

OTHERS: tuple[tuple[str, str], ...] = (
    (r"blocks\.\d+\.block\.", "Wan-Animate-2"),
    (r"vace_blocks\.", "Wan VACE"),
    (r"(casual_)?audio_(encoder|injector)\.", "Wan2.2-S2V"),
    (r"audio_proj\.", "MultiTalk or InfiniteTalk"),
    (r"control_adapter\.|ref_conv\.", "Wan Fun Control"),
    (r"double_blocks\.|single_blocks\.", "Flux or HunyuanVideo"),
    (r"transformer_blocks\.", "no Wan model"),
)
"""Names that tell other transformers from ours."""
IMAGE_KEYS = re.compile(r"blocks\.0\.(cross_attn\.k_img|attn2\.add_k_proj)\.")
OF_CHANNELS = {16: "Wan2.1 or Wan2.2 text-to-video", 36: "Wan2.2 image-to-video", 48: "Wan2.2-TI2V-5B"}


def without_prefix(names: Collection[str]) -> dict[str, str]:
    """Name without the prefix that all transformers' names of a file have -> name as it stands there."""
    prefix = next((one for one in PREFIXES if any(name.startswith(f"{one}blocks.0.") for name in names)), "")
    return {name.removeprefix(prefix): name for name in names}


def is_lora(names: Collection[str]) -> bool:
    return any(name.endswith(LORA_ENDS) for name in names)


def part_of(names: Collection[str], title: str) -> Part | None:
    """Which part of our model a file is; None for any other. LoRAs say what they are for in their *title* alone."""
    if is_lora(names):
        return _lora_of(title.lower())
    plain = without_prefix(names)
    for part, marks in MARKS.items():
        found = [any(name.startswith(mark) for name in plain) for mark in marks]
        if all(found) if part is Part.TRANSFORMER else any(found):
            return part
    return None


def _lora_of(title: str) -> Part | None:
    if "relight" in title:
        return Part.RELIGHTING_LORA
    return Part.FOUR_STEP_LORA if re.search(r"step|lightx2v|lightning|distill", title) else None


def other_model(shapes: Mapping[str, Shape]) -> str:
    """The name of the model that a transformer without Wan-Animate's motion encoder belongs to."""
    plain = {name: shapes[stood] for name, stood in without_prefix(shapes).items()}
    for pattern, title in OTHERS:
        if any(re.match(pattern, name) for name in plain):
            return title
    if any(IMAGE_KEYS.match(name) for name in plain):
        return "Wan2.1 image-to-video"
    patch = plain.get("patch_embedding.weight", ())
    return OF_CHANNELS.get(patch[1] if len(patch) > 1 else 0, "no model that is known here")


def is_transformer(names: Collection[str]) -> bool:
    """A video transformer of any model."""
    plain = without_prefix(names)
    return "patch_embedding.weight" in plain or any(name.startswith("blocks.0.") for name in plain)
