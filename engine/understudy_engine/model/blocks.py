"""The transformer's parts: self-attention, cross-attention, feed-forward, and the block that joins them.

The residual stream is float32. Matmuls run in the dtype of their weights; norms, modulation and gates in
float32.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..attention import attention
from ..ops.norm import LayerNorm, RmsNorm, layer_norm, modulate
from ..ops.rope import Rotary, rotate
from .configs import TransformerSpec


class KeyValue(NamedTuple):
    """What a query attends to: (B, M, H, D) each."""

    k: Tensor
    v: Tensor


class CrossKeys(NamedTuple):
    """A block's keys and values of the context. They depend on no step."""

    text: KeyValue
    image: KeyValue


class SelfAttention(nn.Module):
    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.heads = spec.heads
        self.q = nn.Linear(spec.dim, spec.dim)
        self.k = nn.Linear(spec.dim, spec.dim)
        self.v = nn.Linear(spec.dim, spec.dim)
        self.out = nn.Linear(spec.dim, spec.dim)
        self.q_norm = RmsNorm(spec.dim, spec.eps)  # over all heads together
        self.k_norm = RmsNorm(spec.dim, spec.eps)

    def forward(self, x: Tensor, table: Rotary) -> Tensor:
        split = (self.heads, -1)
        q = rotate(self.q_norm(self.q(x)).unflatten(-1, split), table)  # (B, N, H, D)
        k = rotate(self.k_norm(self.k(x)).unflatten(-1, split), table)
        v = self.v(x).unflatten(-1, split)
        out: Tensor = self.out(attention(q, k, v).flatten(-2))
        return out


class CrossAttention(nn.Module):
    """One query over text and over image tokens: two softmaxes, summed before the output projection."""

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.heads = spec.heads
        self.q = nn.Linear(spec.dim, spec.dim)
        self.k = nn.Linear(spec.dim, spec.dim)
        self.v = nn.Linear(spec.dim, spec.dim)
        self.k_image = nn.Linear(spec.dim, spec.dim)
        self.v_image = nn.Linear(spec.dim, spec.dim)
        self.out = nn.Linear(spec.dim, spec.dim)
        self.q_norm = RmsNorm(spec.dim, spec.eps)
        self.k_norm = RmsNorm(spec.dim, spec.eps)
        self.k_image_norm = RmsNorm(spec.dim, spec.eps)

    def keys(self, text: Tensor, image: Tensor) -> CrossKeys:
        """text (B, n, D) and image (B, m, D), both embedded."""
        split = (self.heads, -1)
        return CrossKeys(
            KeyValue(self.k_norm(self.k(text)).unflatten(-1, split), self.v(text).unflatten(-1, split)),
            KeyValue(
                self.k_image_norm(self.k_image(image)).unflatten(-1, split),
                self.v_image(image).unflatten(-1, split),
            ),
        )

    def forward(self, x: Tensor, keys: CrossKeys) -> Tensor:
        q = self.q_norm(self.q(x)).unflatten(-1, (self.heads, -1))  # (B, N, H, D)
        attended = attention(q, *keys.text) + attention(q, *keys.image)
        out: Tensor = self.out(attended.flatten(-2))
        return out


class FeedForward(nn.Module):
    def __init__(self, dim: int, hidden: int, out: int | None = None) -> None:
        super().__init__()
        self.up = nn.Linear(dim, hidden)
        self.down = nn.Linear(hidden, out or dim)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down(F.gelu(self.up(x), approximate="tanh"))
        return out


class Modulation(NamedTuple):
    """Each (B, 1, D), float32."""

    shift: Tensor
    scale: Tensor
    gate: Tensor


class Block(nn.Module):
    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.eps = spec.eps
        self.modulation = nn.Parameter(torch.zeros(1, 6, spec.dim))
        self.self_attention = SelfAttention(spec)
        self.cross_norm = LayerNorm(spec.dim, spec.eps)
        self.cross_attention = CrossAttention(spec)
        self.ffn = FeedForward(spec.dim, spec.ffn_dim)

    def forward(self, x: Tensor, time: Tensor, table: Rotary, keys: CrossKeys) -> Tensor:
        """x (B, N, D) float32, time (B, 6, D) float32 -> (B, N, D) float32."""
        dtype = keys.text.k.dtype
        parts = (self.modulation.float() + time).split(1, dim=1)
        look, think = Modulation(*parts[:3]), Modulation(*parts[3:])
        h = modulate(x, look.shift, look.scale, self.eps).to(dtype)
        x = torch.addcmul(x, self.self_attention(h, table).float(), look.gate)
        x = x + self.cross_attention(self.cross_norm(x).to(dtype), keys)
        h = modulate(x, think.shift, think.scale, self.eps).to(dtype)
        return torch.addcmul(x, self.ffn(h).float(), think.gate)


class Head(nn.Module):
    """Tokens to velocity patches, in float32."""

    def __init__(self, spec: TransformerSpec, patch_values: int) -> None:
        super().__init__()
        self.eps = spec.eps
        self.modulation = nn.Parameter(torch.zeros(1, 2, spec.dim))
        self.proj = nn.Linear(spec.dim, patch_values)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """x (B, N, D), time (B, D): the embedding itself, not its projection -> (B, N, patch_values)."""
        shift, scale = (self.modulation.float() + time[:, None]).split(1, dim=1)
        out: Tensor = self.proj(modulate(x, shift, scale, self.eps))
        return out


class TimeEmbedding(nn.Module):
    """Sinusoid of the timestep -> MLP, and its projection to six modulation vectors; all float32."""

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.freq_dim = spec.freq_dim
        self.up = nn.Linear(spec.freq_dim, spec.dim)
        self.down = nn.Linear(spec.dim, spec.dim)
        self.project = nn.Linear(spec.dim, 6 * spec.dim)

    def forward(self, timestep: Tensor) -> tuple[Tensor, Tensor]:
        """timestep (B,) in 0-1000 -> embedding (B, D) and modulation (B, 6, D)."""
        embedding: Tensor = self.down(F.silu(self.up(self._sinusoid(timestep))))
        modulation = self.project(F.silu(embedding)).unflatten(-1, (6, -1))
        return embedding, modulation

    def _sinusoid(self, timestep: Tensor) -> Tensor:
        half = self.freq_dim // 2
        steps = torch.arange(half, dtype=torch.float64, device=timestep.device)
        angles = torch.outer(timestep.double(), 10000.0 ** (-steps / half))
        return torch.cat([angles.cos(), angles.sin()], dim=-1).float()


class ImageEmbedding(nn.Module):
    """Image tokens to the transformer's width: norm, MLP with the exact GELU, norm."""

    def __init__(self, image_dim: int, dim: int) -> None:
        super().__init__()
        self.norm_in = LayerNorm(image_dim, eps=1e-5)
        self.up = nn.Linear(image_dim, image_dim)
        self.down = nn.Linear(image_dim, dim)
        self.norm_out = LayerNorm(dim, eps=1e-5)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, m, image_dim) -> (B, m, D) float32."""
        hidden = F.gelu(self.up(self.norm_in(tokens).to(self.up.weight.dtype)))
        out: Tensor = self.norm_out(self.down(hidden))
        return out


class FaceAdapter(nn.Module):
    """Each latent frame's tokens look at that frame's few face tokens, and at nothing else."""

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.heads, self.eps = spec.heads, spec.eps
        self.q = nn.Linear(spec.dim, spec.dim)
        self.kv = nn.Linear(spec.dim, 2 * spec.dim)
        self.out = nn.Linear(spec.dim, spec.dim)
        self.q_norm = RmsNorm(spec.head_dim, spec.eps)  # a head at a time
        self.k_norm = RmsNorm(spec.head_dim, spec.eps)

    def keys(self, faces: Tensor) -> KeyValue:
        """faces (B, L, tokens, D) -> (B·L, tokens, H, D/H). Zeros at the reference frame leave the biases."""
        normed = layer_norm(faces.flatten(0, 1), self.eps).to(self.kv.weight.dtype)
        k, v = self.kv(normed).unflatten(-1, (2, self.heads, -1)).unbind(-3)
        return KeyValue(self.k_norm(k), v)

    def forward(self, x: Tensor, keys: KeyValue, frames: int) -> Tensor:
        """x (B, N, D) float32 -> what to add to it, (B, N, D)."""
        h = layer_norm(x, self.eps).to(keys.k.dtype).unflatten(1, (frames, -1)).flatten(0, 1)
        q = self.q_norm(self.q(h).unflatten(-1, (self.heads, -1)))  # (B·L, N/L, H, D/H)
        attended = attention(q, *keys).flatten(-2).unflatten(0, (-1, frames)).flatten(1, 2)  # (B, N, D)
        out: Tensor = self.out(attended)
        return out
