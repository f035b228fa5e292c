"""A model whole, from a source of weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..errors import WeightsMissing
from ..memory_plans import Precision
from ..model.configs import ClipSpec, ModelSpec, PatchEncoderSpec
from ..model.eight_bit import with_int8_linears
from ..model.image_encoder import ImageEncoder, build_image_encoder
from ..model.transformer import WanAnimateTransformer
from ..model.vae import WanVae
from ..ops.conv import let_cudnn_choose_well
from .contexts import Contexts
from .fill import Filling, Place, filling
from .lora import Changes, Loras, adapter_alpha, parse_lora
from .mapping import NameTable, clip_names, transformer_names, vae_names
from .parts import LORAS, Part
from .recognise import not_animate
from .sources import WeightSource


@dataclass(frozen=True, slots=True)
class ModelParts:
    """A model on its device, ready to run."""

    spec: ModelSpec
    transformer: WanAnimateTransformer
    vae: WanVae
    image_encoder: ImageEncoder
    contexts: Contexts  # of prompts
    loras: Loras  # those that the weights bring, at strength 0
    source: WeightSource  # where all of it came from


def load_model(
    spec: ModelSpec,
    source: WeightSource,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    contexts: Path | None = None,
    precision: Precision = Precision.BF16,
    place: Place | None = None,
) -> ModelParts:
    """Build every network of *spec* and fill it from *source*, whose files are checked before anything is built.

    Matmuls of the transformer and encoders get *dtype*; norms and what else is delicate stay float32, and
    so does the VAE but on a card.
    The text encoder is loaded, and let go, only where the default contexts are neither stored nor remembered in
    the folder *contexts*. *precision* and *place* are the transformer's, see ``transformer_filling``.

    Raises:
        WeightsMissing: files or tensors are absent.
        WeightsMismatch: files that are not as they were packed, tensors of another shape, or that belong to no network.
        ModelUnknown: the weights are another model's, such as Wan-Animate-2's.
    """
    source.check()
    refuse_other_models(source)
    device = torch.device(device)
    if device.type == "cuda":
        let_cudnn_choose_well()
    known = Contexts(spec, source, device=device, dtype=dtype, folder=contexts)
    known.of()
    known.negative()
    transformer = transformer_filling(
        spec, source, device=device, dtype=dtype, precision=precision, place=place
    )
    return ModelParts(
        spec=spec,
        transformer=transformer.network,
        vae=load_vae(spec, source, device=device),
        image_encoder=load_image_encoder(spec.image, source, device=device, dtype=dtype),
        contexts=known,
        loras=load_loras(transformer, source),
        source=source,
    )


def load_transformer(
    spec: ModelSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> WanAnimateTransformer:
    return transformer_filling(spec, source, device=device, dtype=dtype).network


def transformer_filling(
    spec: ModelSpec,
    source: WeightSource,
    *,
    device: torch.device,
    dtype: torch.dtype,
    precision: Precision = Precision.BF16,
    place: Place | None = None,
) -> Filling[WanAnimateTransformer]:
    """The transformer, and where its weights came from: its LoRAs need them again.

    *precision* INT8 has the linear layers that every step runs in 8 bits; the others are in *dtype*.
    """
    refuse_other_models(source)

    def build() -> WanAnimateTransformer:
        net = WanAnimateTransformer(spec.transformer, spec.face)
        return with_int8_linears(net) if precision is Precision.INT8 else net

    table = transformer_names(spec.transformer, spec.face)
    return filling(build, table, source, Part.TRANSFORMER, device=device, dtype=dtype, place=place)


def refuse_other_models(source: WeightSource) -> None:
    """Raises ModelUnknown, from the names of the tensors alone."""
    held = source.shapes(Part.TRANSFORMER)
    if held is not None and not any(name.startswith("motion_encoder.") for name in held):
        raise not_animate(source.where(Part.TRANSFORMER), held)


def load_vae(spec: ModelSpec, source: WeightSource, *, device: torch.device) -> WanVae:
    """In float16 on a card: 72 dB from float32, where bfloat16 has 55 (docs/benchmarks.md)."""
    table = vae_names(spec.vae)
    build = partial(WanVae, spec.vae)
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    return filling(build, table, source, Part.VAE, device=device, dtype=dtype).network


def load_image_encoder(
    spec: ClipSpec | PatchEncoderSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> ImageEncoder:
    table = clip_names(spec) if isinstance(spec, ClipSpec) else NameTable()
    build = partial(build_image_encoder, spec)
    return filling(build, table, source, Part.IMAGE_ENCODER, device=device, dtype=dtype).network


def load_loras(transformer: Filling[WanAnimateTransformer], source: WeightSource) -> Loras:
    """Those that *source* has, mapped."""
    found = {part: _load_lora(transformer.network, source, part) for part in LORAS}
    return Loras(transformer, {part: changes for part, changes in found.items() if changes is not None})


def _load_lora(transformer: WanAnimateTransformer, source: WeightSource, part: Part) -> Changes | None:
    try:
        held = source.shapes(part)
    except WeightsMissing:
        return None
    if held is None:
        return None
    tensors = {name: source.read(part, name, shape) for name, shape in held.items()}
    return parse_lora(tensors, transformer, part, alpha=adapter_alpha(LORAS[part], source.settings(part)))
