"""The transformer's parts: self-attention, cross-attention, feed-forward, and the block that joins them.

The residual stream is float32. Matmuls run in the dtype of their weights; norms, modulation and gates in
float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..attention import Backend, Keys, KeyValue, attend, attention, prepare
from ..ops.fast import is_fused
from ..ops.int8 import Int8Linear
from ..ops.norm import LayerNorm, Modulated, RmsNorm, layer_norm, modulate
from ..ops.residual import added, added_normed, normed
from ..ops.rope import Rotary, Span, rotate_normed
from ..ops.rows8 import Operand, Rows8, quantised_sum
from .between import Between, go_on
from .configs import TransformerSpec

AnyLinear = nn.Linear | Int8Linear
QUERIES_AT_ONCE = 16_384  # of torch's own attention: 0.13 s at 720p where it makes 200 TFLOP/s


def wanted_by(layer: AnyLinear, dtype: torch.dtype) -> torch.dtype:
    """What *layer* is best given where others get *dtype*: int8 stands for quantised rows."""
    return torch.int8 if isinstance(layer, Int8Linear) else dtype


class CrossKeys(NamedTuple):
    """A block's keys and values of the context. They depend on no step."""

    text: KeyValue
    image: KeyValue


class SelfAttention(nn.Module):
    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.heads = spec.heads
        self.backend = Backend.AUTO
        self.q: AnyLinear = nn.Linear(spec.dim, spec.dim)
        self.k: AnyLinear = nn.Linear(spec.dim, spec.dim)
        self.v: AnyLinear = nn.Linear(spec.dim, spec.dim)
        self.out: AnyLinear = nn.Linear(spec.dim, spec.dim)
        self.q_norm = RmsNorm(spec.dim, spec.eps)  # over all heads together
        self.k_norm = RmsNorm(spec.dim, spec.eps)

    def forward(
        self, x: Operand, table: Rotary, keys: Keys | None = None, between: Between = go_on
    ) -> Tensor:
        """x looks at *keys*, or at itself."""
        q = rotate_normed(self.q(x), self.q_norm, self.heads, table)  # (B, N, H, D)
        if keys is None:
            keys = self.ready(self.keys(x, table))
            between()
        looked = _looked(q, keys, between)
        del q, keys  # lest they are held beside what follows
        between()
        out: Tensor = self.out(looked)
        return out

    def keys(self, x: Operand, table: Rotary) -> KeyValue:
        return KeyValue(
            rotate_normed(self.k(x), self.k_norm, self.heads, table),
            self.v(x).unflatten(-1, (self.heads, -1)),
        )

    def ready(self, keys: KeyValue) -> Keys:
        """All tokens' keys as the backend of this layer wants them."""
        return prepare(*keys, self.backend)


def _looked(q: Tensor, keys: Keys, between: Between) -> Tensor:
    """What queries q (B, N, H, D) see: (B, N, H·D)."""
    is_slow = isinstance(keys, KeyValue) and not torch.is_grad_enabled()
    parts: list[Tensor] = []
    for part in q.split(QUERIES_AT_ONCE if is_slow else q.shape[1], dim=1):
        if parts:
            between()
        parts.append(attend(part, keys))
    return (parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)).flatten(-2)


class CrossAttention(nn.Module):
    """One query over text and over image tokens: two softmaxes, summed before the output projection."""

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.heads = spec.heads
        self.q: AnyLinear = nn.Linear(spec.dim, spec.dim)
        self.k = nn.Linear(spec.dim, spec.dim)
        self.v = nn.Linear(spec.dim, spec.dim)
        self.k_image = nn.Linear(spec.dim, spec.dim)
        self.v_image = nn.Linear(spec.dim, spec.dim)
        self.out: AnyLinear = nn.Linear(spec.dim, spec.dim)
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

    def forward(self, x: Operand, keys: CrossKeys) -> Tensor:
        q = self.q_norm(self.q(x)).unflatten(-1, (self.heads, -1))  # (B, N, H, D)
        out: Tensor = self.out(self._seen(q, keys))
        return out

    def _seen(self, q: Tensor, keys: CrossKeys) -> Operand:
        """Of text and of image together, (B, N, H·D)."""
        text, image = (attention(q, *each).flatten(-2) for each in keys)
        return quantised_sum(text, image) if isinstance(self.out, Int8Linear) else text + image


class FeedForward(nn.Module):
    def __init__(self, dim: int, hidden: int, out: int | None = None) -> None:
        super().__init__()
        self.up: AnyLinear = nn.Linear(dim, hidden)
        self.down: AnyLinear = nn.Linear(hidden, out or dim)

    def forward(self, x: Operand) -> Tensor:
        out: Tensor = self.down(self._hidden(x))
        return out

    def _hidden(self, x: Operand) -> Tensor:
        if isinstance(self.up, Int8Linear) or isinstance(x, Rows8):
            return self.up(x, gelu=True)  # type: ignore[no-any-return]
        if is_fused(x) and x.dtype == torch.bfloat16:  # cuBLAS has it behind the product
            made: Tensor = torch._addmm_activation(
                self.up.bias, x.flatten(0, -2), self.up.weight.T, use_gelu=True
            )
            whole: Tensor = made.unflatten(0, x.shape[:-1])
            return whole
        return F.gelu(self.up(x), approximate="tanh")


class Modulation(NamedTuple):
    """Each (B, 1, D), float32."""

    shift: Tensor
    scale: Tensor
    gate: Tensor

    @property
    def norm(self) -> Modulated:
        return Modulated(self.shift, self.scale)


class Block(nn.Module):
    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.eps = spec.eps
        self.modulation = nn.Parameter(torch.zeros(1, 6, spec.dim))
        self.self_attention = SelfAttention(spec)
        self.cross_norm = LayerNorm(spec.dim, spec.eps)
        self.cross_attention = CrossAttention(spec)
        self.ffn = FeedForward(spec.dim, spec.ffn_dim)

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        table: Rotary,
        keys: CrossKeys,
        spans: Sequence[Span] = (),
        between: Between = go_on,
    ) -> Tensor:
        """x (B, N, D) float32, time (B, 6, D) float32 -> (B, N, D) float32.

        With *spans*, for inference alone, x is changed in place, span by span: beside x there are then the keys and
        values of all tokens, and the rest of one span. *between* is called around attention and before the
        feed-forward, of each span: looking at all tokens is two thirds of a block at 720p.
        """
        parts = (self.modulation.float() + time).split(1, dim=1)
        of_attention, of_ffn = Modulation(*parts[:3]), Modulation(*parts[3:])
        if not spans:
            return self._changed(x, of_attention, of_ffn, table, keys, None, between)
        whole = _joined(self._keys(x, of_attention, table, keys.text.k.dtype, spans), x.shape[1])
        own = self.self_attention.ready(whole)
        del whole
        for _, at in spans:
            between()
            part = self._changed(x[:, at], of_attention, of_ffn, table.of(at), keys, own, between)
            if part.data_ptr() != x[:, at].data_ptr():
                x[:, at] = part
        return x

    def _keys(
        self, x: Tensor, of_attention: Modulation, table: Rotary, dtype: torch.dtype, spans: Sequence[Span]
    ) -> Iterator[tuple[slice, KeyValue]]:
        wanted = wanted_by(self.self_attention.k, dtype)
        for _, at in spans:
            h = normed(x[:, at], of_attention.norm, self.eps, wanted)
            yield at, self.self_attention.keys(h, table.of(at))

    def _changed(
        self,
        x: Tensor,
        of_attention: Modulation,
        of_ffn: Modulation,
        table: Rotary,
        keys: CrossKeys,
        own: Keys | None,
        between: Between,
    ) -> Tensor:
        """x after the block, in place where a kernel does it; it looks at itself, or at all tokens' keys *own*."""
        dtype = keys.text.k.dtype
        h = normed(x, of_attention.norm, self.eps, wanted_by(self.self_attention.q, dtype))
        attended = self.self_attention(h, table, own, between)
        x, h = added_normed(
            x,
            attended,
            of_attention.gate,
            self.cross_norm.norming,
            self.eps,
            wanted_by(self.cross_attention.q, dtype),
        )
        crossed = self.cross_attention(h, keys)
        x, h = added_normed(x, crossed, None, of_ffn.norm, self.eps, wanted_by(self.ffn.up, dtype))
        between()
        return added(x, self.ffn(h), of_ffn.gate)


def _joined(parts: Iterator[tuple[slice, KeyValue]], tokens: int) -> KeyValue:
    """All tokens' keys of those of spans, none of them held twice."""
    whole: KeyValue | None = None
    for at, part in parts:
        if whole is None:
            batch, _, *rest = part.k.shape
            whole = KeyValue(*(each.new_empty(batch, tokens, *rest) for each in part))
        whole.k[:, at], whole.v[:, at] = part
    assert whole is not None
    return whole


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
        self.q: AnyLinear = nn.Linear(spec.dim, spec.dim)
        self.kv = nn.Linear(spec.dim, 2 * spec.dim)
        self.out: AnyLinear = nn.Linear(spec.dim, spec.dim)
        self.q_norm = RmsNorm(spec.head_dim, spec.eps)  # a head at a time
        self.k_norm = RmsNorm(spec.head_dim, spec.eps)

    def keys(self, faces: Tensor) -> KeyValue:
        """faces (B, L, tokens, D) -> (B·L, tokens, H, D/H). Zeros at the reference frame leave the biases."""
        normed = layer_norm(faces.flatten(0, 1), self.eps).to(self.kv.weight.dtype)
        k, v = self.kv(normed).unflatten(-1, (2, self.heads, -1)).unbind(-3)
        return KeyValue(self.k_norm(k), v)

    def add_to(self, x: Tensor, keys: KeyValue, frames: int, spans: Sequence[Span]) -> Tensor:
        """x with what it gives added; in place and span by span where there are *spans*."""
        if not spans:
            return added(x, self(x, keys, frames), None)
        of_frames = [each.unflatten(0, (-1, frames)) for each in keys]  # (B, L, tokens, H, D/H)
        for span, at in spans:
            part = KeyValue(*(each[:, span].flatten(0, 1) for each in of_frames))
            changed = added(x[:, at], self(x[:, at], part, span.stop - span.start), None)
            if changed.data_ptr() != x[:, at].data_ptr():
                x[:, at] = changed
        return x

    def forward(self, x: Tensor, keys: KeyValue, frames: int) -> Tensor:
        """x (B, N, D) float32 -> what to add to it, (B, N, D)."""
        h = normed(x, None, self.eps, wanted_by(self.q, keys.k.dtype))
        of_frames = self.q(h).unflatten(1, (frames, -1)).flatten(0, 1)  # (B·L, N/L, D)
        q = self.q_norm(of_frames.unflatten(-1, (self.heads, -1)))
        attended = attention(q, *keys).flatten(-2).unflatten(0, (-1, frames)).flatten(1, 2)  # (B, N, D)
        out: Tensor = self.out(attended)
        return out
