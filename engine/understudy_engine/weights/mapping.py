"""What each tensor is called: here, in the original Wan2.2-Animate release, and in its Diffusers conversion.

The tables are data. A row names a tensor, or a module whose weight and bias keep their names. ``a|b`` are
tensors that the other side holds as one, stacked along the first axis. ``{n}`` counts blocks from 0,
``{next}`` from 1. The tables need no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ..model.configs import ClipSpec, FaceSpec, TextSpec, TransformerSpec, VaeSpec

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]


class Naming(StrEnum):
    ORIGINAL = "original"
    DIFFUSERS = "diffusers"


class Row(NamedTuple):
    ours: str
    original: str
    diffusers: str = ""

    def numbered(self, n: int) -> Row:
        return Row(*(names.format(n=n, next=n + 1) for names in self))

    def under(self, prefix: Row) -> Row:
        pairs = zip(prefix, self, strict=True)
        return Row(*("|".join(f"{head}.{name}" for name in names.split("|")) for head, names in pairs))


@dataclass(frozen=True, slots=True)
class NameTable:
    """The names of one network. Without rows, every naming is ours.

    *tied* says which of our tensors are another of ours; *unused* is what the original release holds besides,
    *unused_diffusers* what Diffusers' files do.
    """

    rows: tuple[Row, ...] = ()
    tied: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, Shape] = field(default_factory=dict)
    unused_diffusers: Mapping[str, Shape] = field(default_factory=dict)

    def spare(self, naming: Naming) -> Mapping[str, Shape]:
        """What a checkpoint in *naming* may hold besides."""
        return self.unused if naming is Naming.ORIGINAL else self.unused_diffusers


# ---- The transformer -------------------------------------------------------------------------------------

TRANSFORMER = (
    Row("patch_embedding", "patch_embedding", "patch_embedding"),
    Row("pose_patch_embedding", "pose_patch_embedding", "pose_patch_embedding"),
    Row("text_embedding.up", "text_embedding.0", "condition_embedder.text_embedder.linear_1"),
    Row("text_embedding.down", "text_embedding.2", "condition_embedder.text_embedder.linear_2"),
    Row("time_embedding.up", "time_embedding.0", "condition_embedder.time_embedder.linear_1"),
    Row("time_embedding.down", "time_embedding.2", "condition_embedder.time_embedder.linear_2"),
    Row("time_embedding.project", "time_projection.1", "condition_embedder.time_proj"),
    Row("image_embedding.norm_in", "img_emb.proj.0", "condition_embedder.image_embedder.norm1"),
    Row("image_embedding.up", "img_emb.proj.1", "condition_embedder.image_embedder.ff.net.0.proj"),
    Row("image_embedding.down", "img_emb.proj.3", "condition_embedder.image_embedder.ff.net.2"),
    Row("image_embedding.norm_out", "img_emb.proj.4", "condition_embedder.image_embedder.norm2"),
    Row("head.proj", "head.head", "proj_out"),
    Row("head.modulation", "head.modulation", "scale_shift_table"),
    Row("face_encoder.conv_in", "face_encoder.conv1_local.conv", "face_encoder.conv1_local"),
    Row("face_encoder.conv_half", "face_encoder.conv2.conv", "face_encoder.conv2"),
    Row("face_encoder.conv_quarter", "face_encoder.conv3.conv", "face_encoder.conv3"),
    Row("face_encoder.proj", "face_encoder.out_proj", "face_encoder.out_proj"),
    Row("face_encoder.padding_token", "face_encoder.padding_tokens", "face_encoder.padding_tokens"),
)  # fmt: skip

MOTION_PREFIX = Row("motion_encoder", "motion_encoder", "motion_encoder")
MOTION = (
    Row("directions", "dec.direction.weight", "motion_synthesis_weight"),
    Row("conv_in.weight", "enc.net_app.convs.0.0.weight", "conv_in.weight"),
    Row("conv_in.bias", "enc.net_app.convs.0.1.bias", "conv_in.act_fn.bias"),
    *(Row(f"fc.{n}", f"enc.fc.{n}", f"motion_network.{n}") for n in range(5)),
)

BLOCK_PREFIX = Row("blocks.{n}", "blocks.{n}", "blocks.{n}")
BLOCK = (
    Row("modulation", "modulation", "scale_shift_table"),
    Row("self_attention.q", "self_attn.q", "attn1.to_q"),
    Row("self_attention.k", "self_attn.k", "attn1.to_k"),
    Row("self_attention.v", "self_attn.v", "attn1.to_v"),
    Row("self_attention.out", "self_attn.o", "attn1.to_out.0"),
    Row("self_attention.q_norm", "self_attn.norm_q", "attn1.norm_q"),
    Row("self_attention.k_norm", "self_attn.norm_k", "attn1.norm_k"),
    Row("cross_norm", "norm3", "norm2"),
    Row("cross_attention.q", "cross_attn.q", "attn2.to_q"),
    Row("cross_attention.k", "cross_attn.k", "attn2.to_k"),
    Row("cross_attention.v", "cross_attn.v", "attn2.to_v"),
    Row("cross_attention.k_image", "cross_attn.k_img", "attn2.add_k_proj"),
    Row("cross_attention.v_image", "cross_attn.v_img", "attn2.add_v_proj"),
    Row("cross_attention.out", "cross_attn.o", "attn2.to_out.0"),
    Row("cross_attention.q_norm", "cross_attn.norm_q", "attn2.norm_q"),
    Row("cross_attention.k_norm", "cross_attn.norm_k", "attn2.norm_k"),
    Row("cross_attention.k_image_norm", "cross_attn.norm_k_img", "attn2.norm_added_k"),
    Row("ffn.up", "ffn.0", "ffn.net.0.proj"),
    Row("ffn.down", "ffn.2", "ffn.net.2"),
)

FACE_ADAPTER_PREFIX = Row("face_adapters.{n}", "face_adapter.fuser_blocks.{n}", "face_adapter.{n}")
FACE_ADAPTER = (
    Row("q", "linear1_q", "to_q"),
    Row("kv", "linear1_kv", "to_k|to_v"),
    Row("out", "linear2", "to_out"),
    Row("q_norm", "q_norm", "norm_q"),
    Row("k_norm", "k_norm", "norm_k"),
)

MOTION_STAGE_PREFIX = Row(
    "motion_encoder.stages.{n}", "motion_encoder.enc.net_app.convs.{next}", "motion_encoder.res_blocks.{n}"
)
MOTION_STAGE = (
    Row("conv1.weight", "conv1.0.weight", "conv1.weight"),
    Row("conv1.bias", "conv1.1.bias", "conv1.act_fn.bias"),
    Row("conv2.weight", "conv2.1.weight", "conv2.weight"),
    Row("conv2.bias", "conv2.2.bias", "conv2.act_fn.bias"),
    Row("skip.weight", "skip.1.weight", "conv_skip.weight"),
)


def transformer_names(spec: TransformerSpec, face: FaceSpec) -> NameTable:
    stages = range(len(face.channels) - 1)
    conv_out = f"motion_encoder.enc.net_app.convs.{len(stages) + 1}"
    rows = (
        *TRANSFORMER,
        *_repeat(BLOCK, BLOCK_PREFIX, range(spec.layers)),
        *_repeat(FACE_ADAPTER, FACE_ADAPTER_PREFIX, range(spec.face_adapters)),
        *(row.under(MOTION_PREFIX) for row in MOTION),
        *_repeat(MOTION_STAGE, MOTION_STAGE_PREFIX, stages),
        Row("motion_encoder.conv_out", conv_out, "motion_encoder.conv_out"),
    )
    blur = ("conv2.0.kernel", "skip.0.kernel")  # constants, which the original release stores
    kernels = {f"{MOTION_STAGE_PREFIX.numbered(n).original}.{name}": (4, 4) for n in stages for name in blur}
    return NameTable(rows, unused=kernels)


# ---- The VAE ---------------------------------------------------------------------------------------------

VAE = (
    Row("moments", "conv1", "quant_conv"),
    Row("unpack", "conv2", "post_quant_conv"),
    Row("encoder.conv_in", "encoder.conv1", "encoder.conv_in"),
    Row("decoder.conv_in", "decoder.conv1", "decoder.conv_in"),
    Row("encoder.norm_out", "encoder.head.0", "encoder.norm_out"),
    Row("decoder.norm_out", "decoder.head.0", "decoder.norm_out"),
    Row("encoder.conv_out", "encoder.head.2", "encoder.conv_out"),
    Row("decoder.conv_out", "decoder.head.2", "decoder.conv_out"),
)
RES_BLOCK = (
    Row("norm1", "residual.0", "norm1"),
    Row("conv1", "residual.2", "conv1"),
    Row("norm2", "residual.3", "norm2"),
    Row("conv2", "residual.6", "conv2"),
    Row("shortcut", "shortcut", "conv_shortcut"),
)
SPATIAL_ATTENTION = (
    Row("norm", "norm", "norm"),
    Row("qkv", "to_qkv", "to_qkv"),
    Row("proj", "proj", "proj"),
)
RESAMPLE = (Row("conv", "resample.1", "resample.1"), Row("time_conv", "time_conv", "time_conv"))
MIDDLE = (
    (Row("middle.0", "middle.0", "mid_block.resnets.0"), RES_BLOCK),
    (Row("middle.1", "middle.1", "mid_block.attentions.0"), SPATIAL_ATTENTION),
    (Row("middle.2", "middle.2", "mid_block.resnets.1"), RES_BLOCK),
)


def vae_names(spec: VaeSpec) -> NameTable:
    encoder, decoder = (Row(side, side, side) for side in ("encoder", "decoder"))
    places = [
        *((place.under(side), parts) for side in (encoder, decoder) for place, parts in MIDDLE),
        *((place.under(encoder), parts) for place, parts in _encoder_stages(spec)),
        *((place.under(decoder), parts) for place, parts in _decoder_stages(spec)),
    ]
    return NameTable((*VAE, *(row.under(place) for place, parts in places for row in parts)))


def _encoder_stages(spec: VaeSpec) -> Iterable[tuple[Row, Sequence[Row]]]:
    """Flat in all three namings: the residual blocks of a level, then its downsampling."""
    per_level = spec.res_blocks + 1
    for n in range(len(spec.dim_mult) * per_level - 1):
        place = Row(f"stages.{n}", f"downsamples.{n}", f"down_blocks.{n}")
        yield place, RESAMPLE if n % per_level == spec.res_blocks else RES_BLOCK


def _decoder_stages(spec: VaeSpec) -> Iterable[tuple[Row, Sequence[Row]]]:
    """Flat in two namings; Diffusers groups them by level."""
    per_level = spec.res_blocks + 2
    for n in range(len(spec.dim_mult) * per_level - 1):
        level, i = divmod(n, per_level)
        resample = i == spec.res_blocks + 1
        group = f"up_blocks.{level}." + ("upsamplers.0" if resample else f"resnets.{i}")
        yield Row(f"stages.{n}", f"upsamples.{n}", group), RESAMPLE if resample else RES_BLOCK


# ---- The encoders of text and image, whose modules are those of transformers -----------------------------

TEXT = (Row("shared", "token_embedding"), Row("encoder.final_layer_norm", "norm"))
TEXT_PREFIX = Row("encoder.block.{n}", "blocks.{n}")
TEXT_BLOCK = (
    Row("layer.0.layer_norm", "norm1"),
    Row("layer.0.SelfAttention.q", "attn.q"),
    Row("layer.0.SelfAttention.k", "attn.k"),
    Row("layer.0.SelfAttention.v", "attn.v"),
    Row("layer.0.SelfAttention.o", "attn.o"),
    Row("layer.0.SelfAttention.relative_attention_bias", "pos_embedding.embedding"),
    Row("layer.1.layer_norm", "norm2"),
    Row("layer.1.DenseReluDense.wi_0", "ffn.gate.0"),
    Row("layer.1.DenseReluDense.wi_1", "ffn.fc1"),
    Row("layer.1.DenseReluDense.wo", "ffn.fc2"),
)


def text_names(spec: TextSpec) -> NameTable:
    rows = (*TEXT, *_repeat(TEXT_BLOCK, TEXT_PREFIX, range(spec.layers)))
    return NameTable(
        tuple(_as_in_transformers(row) for row in rows), tied={"encoder.embed_tokens.weight": "shared.weight"}
    )


VISION = "vision_model."
CLIP = (
    Row("embeddings.class_embedding", "visual.cls_embedding"),
    Row("embeddings.position_embedding.weight", "visual.pos_embedding"),
    Row("embeddings.patch_embedding", "visual.patch_embedding"),
    Row("pre_layrnorm", "visual.pre_norm"),
    Row("post_layernorm", "visual.post_norm"),
)
CLIP_PREFIX = Row("encoder.layers.{n}", "visual.transformer.{n}")
CLIP_LAYER = (
    Row("layer_norm1", "norm1"),
    Row("self_attn.q_proj|self_attn.k_proj|self_attn.v_proj", "attn.to_qkv"),
    Row("self_attn.out_proj", "attn.proj"),
    Row("layer_norm2", "norm2"),
    Row("mlp.fc1", "mlp.0"),
    Row("mlp.fc2", "mlp.2"),
)


def clip_names(spec: ClipSpec) -> NameTable:
    used = spec.layers - 1
    rows = (*CLIP, *_repeat(CLIP_LAYER, CLIP_PREFIX, range(used)))
    return NameTable(
        tuple(_as_in_transformers(row, VISION) for row in rows),
        unused=_unused_clip(spec, CLIP_PREFIX.original.format(n=used)),
        unused_diffusers=_unused_vision(spec, f"{VISION}{CLIP_PREFIX.ours.format(n=used)}"),
    )


def _as_in_transformers(row: Row, prefix: str = "") -> Row:
    """Diffusers' folders hold models of transformers, whose modules are ours."""
    return row._replace(diffusers="|".join(prefix + name for name in row.ours.split("|")))


def _unused_vision(spec: ClipSpec, last: str) -> dict[str, Shape]:
    dim, hidden = spec.dim, 4 * spec.dim
    weights: dict[str, Shape] = {"layer_norm1": (dim,), "layer_norm2": (dim,)}
    weights |= {f"self_attn.{name}_proj": (dim, dim) for name in ("q", "k", "v", "out")}
    weights |= {"mlp.fc1": (hidden, dim), "mlp.fc2": (dim, hidden)}
    tensors: dict[str, Shape] = {"visual_projection.weight": (spec.out_dim, dim)}
    for name, shape in weights.items():
        tensors |= {f"{last}.{name}.weight": shape, f"{last}.{name}.bias": shape[:1]}
    return tensors


def _unused_clip(spec: ClipSpec, last: str) -> dict[str, Shape]:
    dim, hidden = spec.dim, 4 * spec.dim
    weights = {"norm1": (dim,), "attn.to_qkv": (3 * dim, dim), "attn.proj": (dim, dim)}
    weights |= {"norm2": (dim,), "mlp.0": (hidden, dim), "mlp.2": (dim, hidden)}
    tensors: dict[str, Shape] = {"visual.head": (dim, spec.out_dim)}
    for name, shape in weights.items():
        tensors |= {f"{last}.{name}.weight": shape, f"{last}.{name}.bias": shape[:1]}
    return tensors


def _repeat(rows: Iterable[Row], prefix: Row, counts: range) -> Iterable[Row]:
    return (row.under(prefix.numbered(n)) for n in counts for row in rows)


# ---- Conversion ------------------------------------------------------------------------------------------

# Tensors that another naming stores with other axes of length one: end of their name, our shape -> theirs.
STORED_SHAPE: tuple[tuple[str, Callable[[Shape], Shape]], ...] = (
    (".act_fn.bias", lambda shape: shape[1:2]),
    ("visual.cls_embedding", lambda shape: (1, 1, *shape)),
    ("visual.pos_embedding", lambda shape: (1, *shape)),
)


@dataclass(frozen=True, slots=True)
class Rename:
    """Our tensors *ours*, stacked, are their tensors *theirs*, stacked."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    our_shapes: tuple[Shape, ...]
    their_shapes: tuple[Shape, ...]

    def to_theirs(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return _restack(tensors, self.their_shapes)


def _restack(tensors: Sequence[Tensor], shapes: Sequence[Shape]) -> list[Tensor]:
    if len(tensors) == len(shapes) == 1:
        return [tensors[0].reshape(shapes[0])]
    import torch

    return list(torch.cat(list(tensors)).split([shape[0] for shape in shapes]))


def renames(table: NameTable, shapes: Mapping[str, Shape], naming: Naming) -> list[Rename]:
    """What to call the tensors of a network that has our *shapes*, in the order of *shapes*."""
    rows = {part: row for row in table.rows for part in row.ours.split("|")}
    found = {}
    for name in shapes:
        if name not in table.tied:
            ours, theirs = _names(rows, name, naming)
            found[ours] = Rename(ours, theirs, *_both_shapes([shapes[part] for part in ours], theirs))
    return list(found.values())


def _names(rows: Mapping[str, Row], name: str, naming: Naming) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(ours, theirs): the tensors that together hold our tensor *name*."""
    if not rows:
        return (name,), (name,)
    module, dot, leaf = (name, "", "") if name in rows else name.rpartition(".")
    row, leaf = rows[module], dot + leaf
    other = row.original if naming is Naming.ORIGINAL else row.diffusers
    return tuple(part + leaf for part in row.ours.split("|")), tuple(part + leaf for part in other.split("|"))


def _both_shapes(ours: Sequence[Shape], theirs: Sequence[str]) -> tuple[tuple[Shape, ...], tuple[Shape, ...]]:
    whole = (sum(shape[0] for shape in ours), *ours[0][1:])
    if len(theirs) > 1:
        return tuple(ours), ((whole[0] // len(theirs), *whole[1:]),) * len(theirs)
    views = (view(whole) for end, view in STORED_SHAPE if theirs[0].endswith(end))
    return tuple(ours), (next(views, whole),)


def manifest(table: NameTable, shapes: Mapping[str, Shape], naming: Naming) -> dict[str, Shape]:
    """Name and shape of every tensor of a checkpoint in *naming*."""
    used = {
        name: shape
        for rename in renames(table, shapes, naming)
        for name, shape in zip(rename.theirs, rename.their_shapes, strict=True)
    }
    return used | dict(table.spare(naming))


def convert(tensors: Mapping[str, Tensor], table: NameTable, naming: Naming) -> dict[str, Tensor]:
    """Our state dict in another naming; what the release holds besides is left out."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    return {
        name: tensor
        for rename in renames(table, shapes, naming)
        for name, tensor in zip(
            rename.theirs, rename.to_theirs([tensors[part] for part in rename.ours]), strict=True
        )
    }
