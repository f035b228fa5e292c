"""The video diffusion transformer of Wan-Animate.

What no denoising step changes is worked out by :meth:`WanAnimateTransformer.prepare`, once a segment; a step
is then :meth:`WanAnimateTransformer.forward`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..attention import KeyValue
from ..ops.rope import Grid, Rotary, Span, rotary
from .between import Between, go_on
from .blocks import Block, CrossKeys, FaceAdapter, FeedForward, Head, ImageEmbedding, TimeEmbedding
from .configs import FaceSpec, TransformerSpec
from .face import FaceEncoder, MotionEncoder
from .velocity import completed

Pace = Callable[[Sequence[Any]], Iterator[Any]]
TIMESTEPS = 1000  # of pure noise
NO_FACE = -1.0  # every value of a picture without one
PATCH = 2  # latent rows and columns a token covers; in time it covers one latent frame


class Latents(NamedTuple):
    """What :meth:`WanAnimateTransformer.encode_layout` gets."""

    y: Tensor
    pose: Tensor


@dataclass(frozen=True, slots=True)
class LayoutInputs:
    """Where tokens are, and the part of each that comes from the condition latents and the pose."""

    grid: Grid
    rotary: Rotary
    base: Tensor | Latents  # (B, N, D) float32, or what it is made of anew in each step


@dataclass(frozen=True, slots=True)
class ContextInputs:
    """Keys and values of text and image, for every block."""

    blocks: tuple[CrossKeys, ...]


@dataclass(frozen=True, slots=True)
class FaceInputs:
    """Keys and values of the face tokens, for every adapter."""

    adapters: tuple[KeyValue, ...]


@dataclass(frozen=True, slots=True)
class SegmentInputs:
    """Everything about a segment that stays the same over its steps.

    At 14B and 77 frames of 720p: 1.6 GB of base and, in bfloat16, 0.6 GB of context keys. The unconditional
    pass of guidance shares the layout: ``dataclasses.replace(inputs, context=..., faces=...)``.
    """

    layout: LayoutInputs
    context: ContextInputs
    faces: FaceInputs


class WanAnimateTransformer(nn.Module):
    """Predicts the flow velocity of a segment's latents (reference: Wan2.2, WanAnimateModel)."""

    # These stay float32 in a model of lower precision: they are small, and errors in them reach every token.
    float32_parts = ("time_embedding", "modulation", "norm", "head", "patch_embedding", "motion_encoder")

    def __init__(self, spec: TransformerSpec, face: FaceSpec) -> None:
        super().__init__()
        self.spec = spec
        kernel = (1, PATCH, PATCH)
        self.patch_embedding = nn.Conv3d(spec.in_channels, spec.dim, kernel, kernel)
        self.pose_patch_embedding = nn.Conv3d(spec.latent_channels, spec.dim, kernel, kernel)
        self.time_embedding = TimeEmbedding(spec)
        self.text_embedding = FeedForward(spec.text_dim, spec.dim, spec.dim)
        self.image_embedding = ImageEmbedding(spec.image_dim, spec.dim)
        self.motion_encoder = MotionEncoder(face)
        self.face_encoder = FaceEncoder(face, spec.dim)
        blocks = nn.ModuleList(Block(spec) for _ in range(spec.layers))
        adapters = nn.ModuleList(FaceAdapter(spec) for _ in range(spec.face_adapters))
        self.blocks = cast("Sequence[Block]", blocks)
        self.face_adapters = cast("Sequence[FaceAdapter]", adapters)
        self.head = Head(spec, PATCH * PATCH * spec.latent_channels)
        # How inference fits into a device; offload/ sets them.
        self.pace: Pace = iter  # gives the blocks in order, each while its weights are in place
        self.key_pace: Pace = iter  # the same where keys of the context and of faces are made
        self.between: Between = go_on  # called between two pieces of a block's work
        self.span_tokens: int | None = None  # tokens worked on at once; None: all
        self.keeps_base = True  # from step to step

    def prepare(
        self,
        *,
        y: Tensor,
        pose_latents: Tensor,
        context: Sequence[Tensor] | Tensor,
        image_tokens: Tensor,
        faces: Tensor,
    ) -> SegmentInputs:
        """Work out what all steps of a segment share; see the three encode methods for shapes."""
        return SegmentInputs(
            self.encode_layout(y, pose_latents),
            self.encode_context(context, image_tokens),
            self.encode_faces(faces),
        )

    def encode_layout(self, y: Tensor, pose_latents: Tensor) -> LayoutInputs:
        """y (B, mask + latent channels, L, h, w) and pose_latents (B, latent channels, L - 1, h, w).

        The patch embedding is linear, so noise and condition are embedded apart and added. Frame 0, the
        reference, has no pose, unless the spec's ``reference_pose`` says so: pose_latents are L frames then.
        """
        _, _, frames, height, width = y.shape
        grid = Grid(frames, height // PATCH, width // PATCH)
        base = self._base(y, pose_latents) if self.keeps_base else Latents(y, pose_latents)
        return LayoutInputs(grid, rotary(grid, self.spec.head_dim, y.device), base)

    def _base(self, y: Tensor, pose_latents: Tensor) -> Tensor:
        kernel = self.patch_embedding.weight[:, self.spec.latent_channels :]
        base = embed_patches(y, kernel, self.patch_embedding.bias)
        pose = embed_patches(pose_latents, self.pose_patch_embedding.weight, self.pose_patch_embedding.bias)
        base[:, base.shape[1] - pose.shape[1] :] += pose  # the reference's frame may have none
        return base

    def encode_context(self, context: Sequence[Tensor] | Tensor, image_tokens: Tensor) -> ContextInputs:
        """context: B texts of (n, text_dim), n of their own; image_tokens (B, m, image_dim).

        Texts are padded with zero rows to text_len, and the padding attends too: so it was trained.
        """
        dtype = self.text_embedding.up.weight.dtype
        text = self.text_embedding(torch.stack([self._padded(rows) for rows in context]).to(dtype))
        image = self.image_embedding(image_tokens).to(dtype)
        blocks = self.key_pace(self.blocks)
        return ContextInputs(tuple(block.cross_attention.keys(text, image) for block in blocks))

    def encode_faces(self, faces: Tensor) -> FaceInputs:
        """faces (B, T, 3, S, S) in [-1, 1], one a frame of the segment: T = 4(L - 2) + 1."""
        return self.face_inputs(self.motion(faces))

    def encode_no_faces(self, frames: int) -> FaceInputs:
        """The same of one segment of *frames* without a face: of pictures that are -1 everywhere."""
        blank = torch.full((3, *[self.motion_encoder.size_px] * 2), NO_FACE)
        return self.face_inputs(self.motion_encoder.of_one(blank, frames)[None])

    def motion(self, faces: Tensor) -> Tensor:
        """What moves in each face, (B, T, style_dim)."""
        motion: Tensor = self.motion_encoder(faces.flatten(0, 1), self.between).unflatten(0, faces.shape[:2])
        return motion

    def face_inputs(self, motion: Tensor) -> FaceInputs:
        tokens = F.pad(self.face_encoder(motion), (0, 0, 0, 0, 1, 0))  # zeros for the reference frame
        return FaceInputs(tuple(adapter.keys(tokens) for adapter in self.key_pace(self.face_adapters)))

    def forward(self, x: Tensor, timestep: Tensor, inputs: SegmentInputs) -> Tensor:
        """Velocity (B, C, L, h, w) float32 of noisy latents x (B, C, L, h, w) at timestep (B,) in 0-1000.

        Frame 0, the reference, is predicted like the others.
        """
        layout = inputs.layout
        kernel = self.patch_embedding.weight[:, : self.spec.latent_channels]
        base = self._base(*layout.base) if isinstance(layout.base, Latents) else layout.base
        tokens = embed_patches(x, kernel).add_(base)  # (B, N, D)
        del base
        spans = layout.grid.spans(self.span_tokens) if self.span_tokens else []
        if len(spans) == 1:
            spans = []  # as what is worked on at once needs no keys beside it
        time, modulation = self.time_embedding(timestep)
        adapters = iter(zip(self.face_adapters, inputs.faces.adapters, strict=True))
        for i, (block, keys) in enumerate(zip(self.pace(self.blocks), inputs.context.blocks, strict=True)):
            tokens = block(tokens, modulation, layout.rotary, keys, spans, self.between)
            if i % self.spec.face_every == 0:
                adapter, face_keys = next(adapters)
                tokens = adapter.add_to(tokens, face_keys, layout.grid.frames, spans)
        made = join_patches(self._head(tokens, time, spans), layout.grid)
        return completed(made, x.float(), timestep.float() / TIMESTEPS) if self.spec.preconditioned else made

    def _head(self, tokens: Tensor, time: Tensor, spans: Sequence[Span]) -> Tensor:
        if not spans:
            return self.head(tokens, time)  # type: ignore[no-any-return]
        return torch.cat([self.head(tokens[:, at], time) for _, at in spans], dim=1)

    def _padded(self, rows: Tensor) -> Tensor:
        if len(rows) > self.spec.text_len:
            raise ValueError(f"the text has {len(rows)} tokens, the model takes {self.spec.text_len}")
        return F.pad(rows, (0, 0, 0, self.spec.text_len - len(rows)))


def embed_patches(latents: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Patches of (B, C, L, h, w) times a kernel (D, C, 1, 2, 2) -> (B, N, D) float32."""
    patches = latents.float().unflatten(4, (-1, PATCH)).unflatten(3, (-1, PATCH))  # (B, C, L, r, 2, c, 2)
    tokens = patches.permute(0, 2, 3, 5, 1, 4, 6).flatten(4).flatten(1, 3)  # (B, N, C·4)
    return F.linear(tokens, kernel.float().flatten(1), bias)


def join_patches(tokens: Tensor, grid: Grid) -> Tensor:
    """(B, N, 4·C), channel fastest -> (B, C, L, h, w)."""
    patches = tokens.unflatten(2, (PATCH, PATCH, -1)).unflatten(1, grid)  # (B, L, r, c, 2, 2, C)
    latents: Tensor = patches.permute(0, 6, 1, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)
    return latents
