"""The files that a model's weights come in: one part for each network, tensor or LoRA. Needs no torch."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """A network, or tensor, that is stored on its own. The value is the name of its file or folder."""

    TRANSFORMER = "transformer"
    VAE = "vae"
    IMAGE_ENCODER = "image_encoder"
    TEXT_ENCODER = "text_encoder"
    DEFAULT_CONTEXT = "default_context"
    NEGATIVE_CONTEXT = "negative_context"
    RELIGHTING_LORA = "relighting_lora"
    FOUR_STEP_LORA = "four_step_lora"


LORAS = {Part.RELIGHTING_LORA: "relighting LoRA", Part.FOUR_STEP_LORA: "four-step LoRA"}
"""The parts that are LoRAs, which a model may lack, and what sentences call them. Merged in this order."""
