"""Every width of every model, as one table: MODELS.

A model is a row of numbers, never a class of its own. ``wan2.2-animate-14b`` is the released model
(research: Wan2.2 reference, commit 42bf4cf), ``nano`` the small one that ships inside the package.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import ModelUnknown
from ..types import Solver


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerSpec:
    dim: int
    heads: int
    ffn_dim: int
    layers: int
    text_dim: int
    text_len: int  # context rows are zero-padded to this length, and all of them attend
    image_dim: int
    freq_dim: int = 256
    latent_channels: int = 16
    mask_channels: int = 4
    face_every: int = 5  # a face adapter after blocks 0, 5, 10, ...
    preconditioned: bool = (
        False  # the head gives what is missing in velocity.py's guess, not the velocity itself
    )
    reference_pose: bool = False  # the reference's frame has its own skeleton, as in arXiv 2406.01188
    eps: float = 1e-6

    def __post_init__(self) -> None:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is not divisible by {self.heads} heads")
        if self.layers % self.face_every:
            raise ValueError(
                f"{self.layers} layers are not whole groups of {self.face_every} with a face adapter each"
            )

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    @property
    def in_channels(self) -> int:
        return 2 * self.latent_channels + self.mask_channels

    @property
    def face_adapters(self) -> int:
        return self.layers // self.face_every


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSpec:
    """Motion encoder (a picture of a face -> a motion vector) and face encoder (vectors -> tokens)."""

    size_px: int  # faces are square; the motion encoder halves them down to 4 px
    channels: tuple[int, ...]  # of the motion encoder at size_px, size_px/2, ..., 4
    style_dim: int
    motion_dim: int
    encoder_dim: int  # width of a face encoder head
    encoder_heads: int

    def __post_init__(self) -> None:
        if self.size_px != 4 * 2 ** (len(self.channels) - 1):
            raise ValueError(
                f"{len(self.channels)} channel counts do not take {self.size_px} px down to 4 px"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class VaeSpec:
    dim: int
    dim_mult: tuple[int, ...]
    z_dim: int = 16
    res_blocks: int = 2
    temporal_downsample: tuple[bool, ...] = (False, True, True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpec:
    """A umT5 encoder."""

    vocab: int
    dim: int
    attention_dim: int
    ffn_dim: int
    heads: int
    layers: int
    buckets: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSpec:
    """A CLIP vision tower whose last layer and projection are not used."""

    image_px: int
    patch_px: int
    dim: int
    heads: int
    layers: int
    out_dim: int  # of the projection that the release carries and nobody uses


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchEncoderSpec:
    """nano's image encoder: the picture in square patches, each a token."""

    image_px: int
    patch_px: int
    dim: int
    layers: int
    heads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingDefaults:
    steps: int
    shift: float = 5.0
    solver: Solver = Solver.UNIPC
    guidance_scale: float = 1.0
    guidance_frames: int = 1
    work_area_px: int = 1280 * 720


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model, whole. ``text`` None means a learned default context instead of a text encoder."""

    name: str
    title: str  # as shown to the artist
    transformer: TransformerSpec
    face: FaceSpec
    vae: VaeSpec
    image: ClipSpec | PatchEncoderSpec
    text: TextSpec | None
    segment_frames: int  # 4n + 1
    sampling: SamplingDefaults
    decodes_previews: bool = False  # else a linear map of the latents makes them
    notice: str = field(default="")  # one honest line for every interface, or nothing


WAN_ANIMATE_14B = ModelSpec(
    name="wan2.2-animate-14b",
    title="Wan2.2-Animate 14B",
    transformer=TransformerSpec(
        dim=5120, heads=40, ffn_dim=13824, layers=40, text_dim=4096, text_len=512, image_dim=1280
    ),
    face=FaceSpec(
        size_px=512,
        channels=(32, 64, 128, 256, 512, 512, 512, 512),
        style_dim=512,
        motion_dim=20,
        encoder_dim=1024,
        encoder_heads=4,
    ),
    vae=VaeSpec(dim=96, dim_mult=(1, 2, 4, 4)),
    image=ClipSpec(image_px=224, patch_px=14, dim=1280, heads=16, layers=32, out_dim=1024),
    text=TextSpec(vocab=256384, dim=4096, attention_dim=4096, ffn_dim=10240, heads=64, layers=24),
    segment_frames=77,
    sampling=SamplingDefaults(steps=20),
)

NANO = ModelSpec(
    name="nano",
    title="nano",
    transformer=TransformerSpec(
        dim=192,
        heads=3,
        ffn_dim=768,
        layers=10,
        text_dim=192,
        text_len=16,
        image_dim=192,
        preconditioned=True,
        reference_pose=True,
    ),
    face=FaceSpec(
        size_px=64,
        channels=(16, 32, 48, 64, 96),
        style_dim=96,
        motion_dim=20,
        encoder_dim=96,
        encoder_heads=2,
    ),
    vae=VaeSpec(dim=16, dim_mult=(1, 2, 5, 5)),
    image=PatchEncoderSpec(image_px=128, patch_px=16, dim=192, layers=1, heads=3),
    text=None,
    segment_frames=17,
    sampling=SamplingDefaults(steps=8, work_area_px=256 * 256),
    decodes_previews=True,
    notice="nano was trained on procedurally drawn footage and knows drawn figures alone: its pictures are soft, "
    "and the clip's light is followed in part. Real footage wants the 14B model.",
)

MODELS: dict[str, ModelSpec] = {spec.name: spec for spec in (WAN_ANIMATE_14B, NANO)}


def model_spec(name: str) -> ModelSpec:
    """The row called *name*; raises ModelUnknown with the names there are."""
    try:
        return MODELS[name]
    except KeyError:
        known = ", ".join(MODELS)
        raise ModelUnknown(f"There is no model '{name}'. Known models: {known}.", model=name) from None
