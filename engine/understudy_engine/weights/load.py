"""A model whole, from a source of weights: built on meta, filled strictly, nothing left over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import ModelUnknown, WeightsMismatch, WeightsMissing
from ..model.configs import ClipSpec, ModelSpec, PatchEncoderSpec
from ..model.image_encoder import ImageEncoder, build_image_encoder
from ..model.text_encoder import TextEncoder
from ..model.transformer import WanAnimateTransformer
from ..model.vae import WanVae
from .mapping import (
    NameTable,
    Naming,
    Shape,
    clip_names,
    manifest,
    renames,
    text_names,
    transformer_names,
    vae_names,
)
from .sources import Part, WeightSource

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class ModelParts:
    """A model on its device, ready to run. Without a text encoder there is only the default context."""

    spec: ModelSpec
    transformer: WanAnimateTransformer
    vae: WanVae
    image_encoder: ImageEncoder
    text_encoder: TextEncoder | None
    default_context: Tensor | None  # (n, text_dim); None where the text encoder has to make it


def load_model(
    spec: ModelSpec,
    source: WeightSource,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ModelParts:
    """Build every network of *spec* and fill it from *source*.

    Matmuls of the transformer and encoders get *dtype*; the VAE, norms and what else is delicate stay float32.
    The text encoder is loaded only where the source has no default context.

    Raises:
        WeightsMissing: files or tensors are absent.
        WeightsMismatch: tensors of another shape, or tensors that belong to no network.
        ModelUnknown: the weights are another model's, such as Wan-Animate-2's.
    """
    device = torch.device(device)
    context = _default_context(spec, source, device)
    return ModelParts(
        spec=spec,
        transformer=load_transformer(spec, source, device=device, dtype=dtype),
        vae=load_vae(spec, source, device=device),
        image_encoder=load_image_encoder(spec.image, source, device=device, dtype=dtype),
        text_encoder=None
        if context is not None
        else load_text_encoder(spec, source, device=device, dtype=dtype),
        default_context=context,
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
    table = transformer_names(spec.transformer, spec.face)
    return fill(
        lambda: WanAnimateTransformer(spec.transformer, spec.face),
        table,
        source,
        Part.TRANSFORMER,
        device,
        dtype,
    )


def load_vae(spec: ModelSpec, source: WeightSource, *, device: torch.device) -> WanVae:
    return fill(lambda: WanVae(spec.vae), vae_names(spec.vae), source, Part.VAE, device, torch.float32)


def load_image_encoder(
    spec: ClipSpec | PatchEncoderSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> ImageEncoder:
    table = clip_names(spec) if isinstance(spec, ClipSpec) else NameTable()
    return fill(lambda: build_image_encoder(spec), table, source, Part.IMAGE_ENCODER, device, dtype)


def load_text_encoder(
    spec: ModelSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> TextEncoder | None:
    text = spec.text
    if text is None:
        return None
    return fill(lambda: TextEncoder(text), text_names(text), source, Part.TEXT_ENCODER, device, dtype)


def _default_context(spec: ModelSpec, source: WeightSource, device: torch.device) -> Tensor | None:
    shape = (spec.transformer.text_len, spec.transformer.text_dim)
    try:
        held = source.shapes(Part.DEFAULT_CONTEXT)
    except WeightsMissing:
        if spec.text is None:
            raise
        return None
    name = Part.DEFAULT_CONTEXT.value
    rows = held[name][0] if held and name in held else shape[0]
    _check(Part.DEFAULT_CONTEXT, {name: (rows, shape[1])}, held)
    return source.read(Part.DEFAULT_CONTEXT, name, shape).to(device, torch.float32)


def fill(
    build: Callable[[], Network],
    table: NameTable,
    source: WeightSource,
    part: Part,
    device: torch.device,
    dtype: torch.dtype,
) -> Network:
    """The network of *build* with the weights of *source*: no tensor missing, none left over, none on meta."""
    with torch.device("meta"):
        network = build()
    target = weights_of(network)
    shapes = {name: tuple(tensor.shape) for name, tensor in target.state_dict().items()}
    held = source.shapes(part)
    naming = _naming(table, shapes, held)
    _check(part, manifest(table, shapes, naming), held, optional=table.unused)
    state: dict[str, Tensor] = {}
    for rename in renames(table, shapes, naming):
        theirs = [
            source.read(part, *tensor) for tensor in zip(rename.theirs, rename.their_shapes, strict=True)
        ]
        for name, tensor in zip(rename.ours, rename.to_ours(theirs), strict=True):
            state[name] = tensor.to(device, _dtype_of(network, name, dtype)).contiguous()
    state |= {name: state[other] for name, other in table.tied.items()}
    target.load_state_dict(state, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def weights_of(network: nn.Module) -> nn.Module:
    """The module whose tensors the name tables speak of: a wrapped transformers model, or the network itself."""
    wrapped = getattr(network, "wrapped", None)
    return wrapped if isinstance(wrapped, nn.Module) else network


def _dtype_of(network: nn.Module, name: str, dtype: torch.dtype) -> torch.dtype:
    delicate: Sequence[str] = getattr(network, "float32_parts", ())
    return torch.float32 if any(part in name for part in delicate) else dtype


def _naming(table: NameTable, shapes: Mapping[str, Shape], held: Mapping[str, Shape] | None) -> Naming:
    if held is None or not any(row.diffusers for row in table.rows):
        return Naming.ORIGINAL
    return max(Naming, key=lambda naming: len(held.keys() & manifest(table, shapes, naming).keys()))


def _check(
    part: Part,
    wanted: Mapping[str, Shape],
    held: Mapping[str, Shape] | None,
    optional: Mapping[str, Shape] | None = None,
) -> None:
    if held is None:
        return
    if missing := [name for name in wanted if name not in held and name not in (optional or {})]:
        raise WeightsMissing(
            f"The weights of the {part} lack {_some(missing)} of {len(wanted)} tensors. Download the model again.",
            part=part.value,
            missing=len(missing),
        )
    if extra := [name for name in held if name not in wanted]:
        raise WeightsMismatch(
            f"The weights of the {part} hold {_some(extra)} that this model has no place for. "
            "Check that the folder holds this model and no other.",
            part=part.value,
            extra=len(extra),
        )
    wrong = [name for name, shape in held.items() if tuple(shape) != tuple(wanted[name])]
    if wrong:
        shapes = ", ".join(f"{name} {held[name]} instead of {wanted[name]}" for name in wrong[:3])
        raise WeightsMismatch(
            f"The weights of the {part} have {len(wrong)} tensors of another shape: {shapes}. "
            "Check that the folder holds this model and no other.",
            part=part.value,
            misshapen=len(wrong),
        )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} ({shown})"
