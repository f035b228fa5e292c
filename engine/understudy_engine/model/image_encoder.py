"""The character picture to tokens: CLIP's vision tower at 14B, a small patch encoder in nano."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..attention import attention
from ..ops.norm import LayerNorm
from .configs import ClipSpec, PatchEncoderSpec

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # of OpenAI's training pictures, RGB in 0-1
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class ClipImageEncoder(nn.Module):
    """CLIP's vision tower without its last layer, norm and projection: what Wan was trained on."""

    def __init__(self, spec: ClipSpec) -> None:
        super().__init__()
        from transformers import CLIPVisionConfig, CLIPVisionModel

        self.spec = spec
        model = CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=spec.dim,
                intermediate_size=4 * spec.dim,
                num_hidden_layers=spec.layers - 1,
                num_attention_heads=spec.heads,
                image_size=spec.image_px,
                patch_size=spec.patch_px,
                hidden_act="gelu",
                layer_norm_eps=1e-5,
            )
        )
        # Some 5.x releases of transformers hold the tower in an attribute, others are the tower.
        self.wrapped: nn.Module = getattr(model, "vision_model", model)

    def forward(self, image: Tensor) -> Tensor:
        """image (B, 3, H, W) in [-1, 1], squashed to a square -> (B, 1 + patches, dim)."""
        side = self.spec.image_px
        pixels = F.interpolate(image.float(), (side, side), mode="bicubic", align_corners=False) * 0.5 + 0.5
        mean, std = (pixels.new_tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
        dtype = next(self.wrapped.parameters()).dtype
        self._place_positions(image.device)
        out: Tensor = self.wrapped(pixel_values=((pixels - mean) / std).to(dtype)).last_hidden_state
        return out

    def _place_positions(self, device: torch.device) -> None:
        """transformers counts positions in a buffer that no checkpoint holds: loading leaves it on meta."""
        embeddings = self.wrapped.get_submodule("embeddings")
        positions = embeddings.get_buffer("position_ids")
        if positions.is_meta:
            embeddings.register_buffer(
                "position_ids", torch.arange(positions.shape[-1], device=device)[None], persistent=False
            )


class PatchLayer(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = LayerNorm(dim, eps=1e-6), LayerNorm(dim, eps=1e-6)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm1(x).to(self.qkv.weight.dtype)
        q, k, v = self.qkv(h).unflatten(-1, (3, self.heads, -1)).unbind(2)  # (B, N, H, D)
        x = x + self.out(attention(q, k, v).flatten(-2))
        h = self.norm2(x).to(self.up.weight.dtype)
        out: Tensor = x + self.down(F.gelu(self.up(h)))
        return out


class PatchImageEncoder(nn.Module):
    """nano's own: patches of the squashed picture, each a token, through a few layers; trained with nano."""

    float32_parts = ("norm",)

    def __init__(self, spec: PatchEncoderSpec) -> None:
        super().__init__()
        self.image_px = spec.image_px
        self.patches = nn.Conv2d(3, spec.dim, spec.patch_px, spec.patch_px)
        self.positions = nn.Parameter(torch.zeros(1, (spec.image_px // spec.patch_px) ** 2, spec.dim))
        self.layers = nn.ModuleList(PatchLayer(spec.dim, spec.heads) for _ in range(spec.layers))

    def forward(self, image: Tensor) -> Tensor:
        """image (B, 3, H, W) in [-1, 1], squashed to a square -> (B, patches, dim)."""
        side = (self.image_px, self.image_px)
        pixels = F.interpolate(image.float(), side, mode="bilinear", align_corners=False, antialias=True)
        tokens: Tensor = self.patches(pixels.to(self.patches.weight.dtype)).flatten(2).transpose(1, 2)
        tokens = tokens + self.positions
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens


ImageEncoder = ClipImageEncoder | PatchImageEncoder


def build_image_encoder(spec: ClipSpec | PatchEncoderSpec) -> ImageEncoder:
    """The encoder that *spec* describes, not loaded: image (B, 3, H, W) in [-1, 1] -> (B, n, dim)."""
    return ClipImageEncoder(spec) if isinstance(spec, ClipSpec) else PatchImageEncoder(spec)
