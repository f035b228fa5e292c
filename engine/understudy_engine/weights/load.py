"""A model whole, from a source of weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ModelUnknown, WeightsMissing
from ..model.configs import ClipSpec, ModelSpec, PatchEncoderSpec, TextSpec
from ..model.image_encoder import ImageEncoder, build_image_encoder
from ..model.text_encoder import DEFAULT_PROMPT, NEGATIVE_PROMPT, TextEncoder, encode_prompt
from ..model.transformer import WanAnimateTransformer
from ..model.vae import WanVae
from .fill import check, fill
from .lora import Loras, Pairs, parse_lora
from .mapping import NameTable, clip_names, text_names, transformer_names, vae_names
from .parts import LORAS, Part
from .sources import WeightSource


@dataclass(frozen=True, slots=True)
class ModelParts:
    """A model on its device, ready to run."""

    spec: ModelSpec
    transformer: WanAnimateTransformer
    vae: WanVae
    image_encoder: ImageEncoder
    text_encoder: TextEncoder | None  # None where the contexts were stored, and for models without one
    default_context: Tensor  # (n, text_dim) float32
    negative_context: Tensor  # what guidance leads away from; the default context in models without prompts
    loras: Loras  # those that the weights bring, at strength 0
    source: WeightSource  # where all of it came from


def load_model(
    spec: ModelSpec,
    source: WeightSource,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ModelParts:
    """Build every network of *spec* and fill it from *source*, whose files are checked before anything is built.

    Matmuls of the transformer and encoders get *dtype*; the VAE, norms and what else is delicate stay float32.
    The text encoder is loaded only where the source has no stored contexts.

    Raises:
        WeightsMissing: files or tensors are absent.
        WeightsMismatch: files that are not as they were packed, tensors of another shape, or that belong to no network.
        ModelUnknown: the weights are another model's, such as Wan-Animate-2's.
    """
    source.check()
    device = torch.device(device)
    transformer = load_transformer(spec, source, device=device, dtype=dtype)
    text_encoder, default, negative = _contexts(spec, source, device=device, dtype=dtype)
    return ModelParts(
        spec=spec,
        transformer=transformer,
        vae=load_vae(spec, source, device=device),
        image_encoder=load_image_encoder(spec.image, source, device=device, dtype=dtype),
        text_encoder=text_encoder,
        default_context=default,
        negative_context=negative,
        loras=load_loras(transformer, source),
        source=source,
    )


def load_transformer(
    spec: ModelSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> WanAnimateTransformer:
    held = source.shapes(Part.TRANSFORMER)
    if held is not None and not any(name.startswith("motion_encoder.") for name in held):
        raise ModelUnknown(
            "These transformer weights have no motion encoder: they are not Wan2.2-Animate "
            "(Wan-Animate-2 is another model, and not supported). Choose the Wan2.2-Animate-14B folder."
        )

    def build() -> WanAnimateTransformer:
        return WanAnimateTransformer(spec.transformer, spec.face)

    table = transformer_names(spec.transformer, spec.face)
    return fill(build, table, source, Part.TRANSFORMER, device=device, dtype=dtype)


def load_vae(spec: ModelSpec, source: WeightSource, *, device: torch.device) -> WanVae:
    table = vae_names(spec.vae)
    return fill(lambda: WanVae(spec.vae), table, source, Part.VAE, device=device, dtype=torch.float32)


def load_image_encoder(
    spec: ClipSpec | PatchEncoderSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> ImageEncoder:
    table = clip_names(spec) if isinstance(spec, ClipSpec) else NameTable()
    return fill(
        lambda: build_image_encoder(spec), table, source, Part.IMAGE_ENCODER, device=device, dtype=dtype
    )


def load_text_encoder(
    spec: TextSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> TextEncoder:
    table = text_names(spec)
    return fill(lambda: TextEncoder(spec), table, source, Part.TEXT_ENCODER, device=device, dtype=dtype)


def load_loras(transformer: WanAnimateTransformer, source: WeightSource) -> Loras:
    """Those that *source* has."""
    found = {part: _load_lora(transformer, source, part) for part in LORAS}
    return Loras(transformer, {part: pairs for part, pairs in found.items() if pairs is not None})


def _load_lora(transformer: WanAnimateTransformer, source: WeightSource, part: Part) -> Pairs | None:
    try:
        held = source.shapes(part)
    except WeightsMissing:
        return None
    if held is None:
        return None
    tensors = {name: source.read(part, name, shape) for name, shape in held.items()}
    return parse_lora(tensors, transformer, part, alpha=source.settings(part).get("lora_alpha"))


def _contexts(
    spec: ModelSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> tuple[TextEncoder | None, Tensor, Tensor]:
    """Text encoder if it is needed, default context, negative context."""
    if spec.text is None:
        learned = _stored_context(spec, source, Part.DEFAULT_CONTEXT).to(device)
        return None, learned, learned
    try:
        parts = (Part.DEFAULT_CONTEXT, Part.NEGATIVE_CONTEXT)
        default, negative = (_stored_context(spec, source, part).to(device) for part in parts)
        return None, default, negative
    except WeightsMissing:
        encoder = load_text_encoder(spec.text, source, device=device, dtype=dtype)
        text_len, tokenizer = spec.transformer.text_len, source.tokenizer()
        prompts = (DEFAULT_PROMPT, NEGATIVE_PROMPT)
        default, negative = (encode_prompt(encoder, tokenizer, prompt, text_len) for prompt in prompts)
        return encoder, default, negative


def _stored_context(spec: ModelSpec, source: WeightSource, part: Part) -> Tensor:
    """A context of 1 to text_len rows; stand-ins have all of them."""
    shape = (spec.transformer.text_len, spec.transformer.text_dim)
    if (held := source.shapes(part)) is not None:
        shape = (min(shape[0], held.get(part.value, shape)[0]), shape[1])
        check(part, {part.value: shape}, held)
    return source.read(part, part.value, shape).float()
