"""What happens to the residual stream between two matmuls: a gated sum and a norm, in one pass over memory.

The stream is float32. Where a fused kernel takes it, it is changed in place; the plain version makes a new one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import rows_hopper
from .fast import block_of, is_fused_stream
from .norm import Affine, Modulated, layer_norm, modulate
from .rows8 import Operand, Rows8, quantise_rows

Norming = Modulated | Affine | None
"""None: LN(x) as it is."""


def normed(x: Tensor, norm: Norming, eps: float, dtype: torch.dtype) -> Operand:
    """x (B, N, D) float32 -> (B, N, D) in *dtype*; int8: as quantised rows."""
    return (
        _fused(x, None, None, norm, eps, dtype) if is_fused_stream(x) else plainly_normed(x, norm, eps, dtype)
    )


def added(x: Tensor, y: Tensor, gate: Tensor | None) -> Tensor:
    """x + y · gate, float32: x and y (B, N, D), gate (B, 1, D) float32 or None for 1."""
    if is_fused_stream(x):
        _fused(x, y, gate, None, 0.0, None)
        return x
    return x + y if gate is None else torch.addcmul(x, y.float(), gate)


def added_normed(
    x: Tensor, y: Tensor, gate: Tensor | None, norm: Norming, eps: float, dtype: torch.dtype
) -> tuple[Tensor, Operand]:
    """*added*, and that *normed*."""
    if is_fused_stream(x):
        return x, _fused(x, y, gate, norm, eps, dtype)
    x = added(x, y, gate)
    return x, plainly_normed(x, norm, eps, dtype)


def plainly_normed(x: Tensor, norm: Norming, eps: float, dtype: torch.dtype) -> Operand:
    if norm is None:
        out = layer_norm(x, eps)
    elif isinstance(norm, Affine):
        out = layer_norm(x, eps, norm.scale, norm.shift)
    else:
        out = modulate(x, norm.shift, norm.scale, eps)
    return quantise_rows(out) if dtype == torch.int8 else out.to(dtype)


def _fused(
    x: Tensor,
    y: Tensor | None,
    gate: Tensor | None,
    norm: Norming,
    eps: float,
    dtype: torch.dtype | None,
) -> Operand:
    """*dtype* None: the sum alone."""
    batch, tokens, dim = x.shape
    if norm is None:
        norm = Modulated(*x.new_zeros(2, batch, 1, dim))
    out = x if dtype is None else torch.empty_like(x, dtype=dtype)
    scale = x.new_empty(batch, tokens) if dtype == torch.int8 else x
    given = (
        None if y is None else y.contiguous(), None if gate is None else gate.contiguous(),
        norm.shift.contiguous(), norm.scale.contiguous(), out, scale,
    )  # fmt: skip
    norms, affine = dtype is not None, isinstance(norm, Affine)
    if not rows_hopper.residual(x, *given, eps, affine=affine):
        from .triton_kernels import residual

        residual[(batch * tokens,)](
            x, *(x if each is None else each for each in given), tokens, dim, eps,
            ADDS=y is not None, GATED=gate is not None, NORMS=norms, AFFINE=affine, INT8=dtype == torch.int8,
            BLOCK=block_of(dim), num_warps=8,
        )  # fmt: skip
    return Rows8(out, scale) if dtype == torch.int8 else out
