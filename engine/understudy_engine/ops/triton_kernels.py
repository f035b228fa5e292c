"""Triton's kernels: passes over memory that torch would make in several. Their doors are residual.py,
rope.py, rows8.py, product8.py, norm.py and attention/hopper.py.

Only imported where there is a CUDA device: a CPU installation of torch has no Triton.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def residual(
    x, y, gate, shift, scale, out, out_scale, rows_a_batch, dim, eps,
    ADDS: tl.constexpr, GATED: tl.constexpr, NORMS: tl.constexpr, AFFINE: tl.constexpr, INT8: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """A row: x += y · gate in place; out = LN(x) · (1 + scale) + shift, or · scale + shift if AFFINE.

    INT8: out as int8, with its step in out_scale.
    """
    row = tl.program_id(0).to(tl.int64)
    batch = row // rows_a_batch
    at = tl.arange(0, BLOCK)
    inside = at < dim
    value = tl.load(x + row * dim + at, inside, other=0.0)
    if ADDS:
        added = tl.load(y + row * dim + at, inside, other=0.0).to(tl.float32)
        if GATED:
            added *= tl.load(gate + batch * dim + at, inside, other=0.0)
        value += added
        tl.store(x + row * dim + at, value, inside)
    if NORMS:
        mean = tl.sum(value, 0) / dim
        apart = tl.where(inside, value - mean, 0.0)
        normed = apart * tl.rsqrt(tl.sum(apart * apart, 0) / dim + eps)
        of = 0 if AFFINE else batch * dim
        factor = tl.load(scale + of + at, inside, other=0.0)
        normed = normed * (factor if AFFINE else 1.0 + factor) + tl.load(shift + of + at, inside, other=0.0)
        if INT8:
            step = tl.maximum(tl.max(tl.abs(normed), 0) / 127.0, 1e-12)
            tl.store(out_scale + row, step)
            tl.store(out + row * dim + at, _rounded(normed / step), inside)
        else:
            tl.store(out + row * dim + at, normed.to(out.dtype.element_ty), inside)


@triton.jit
def _rounded(x):
    """To the nearest int8; the magnitude is at most 127 already."""
    return tl.extra.cuda.libdevice.rint(x).to(tl.int8)


@triton.jit
def quantise(x, out, out_scale, dim, BLOCK: tl.constexpr):
    """A row as int8, and the step that its values are multiples of."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * dim + at, at < dim, other=0.0).to(tl.float32)
    step = tl.maximum(tl.max(tl.abs(value), 0) / 127.0, 1e-12)
    tl.store(out_scale + row, step)
    tl.store(out + row * dim + at, _rounded(value / step), at < dim)


@triton.jit
def rms_rotate(
    x, weight, cos, sin, out, tokens, dim, eps, ROTATES: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr
):
    """A row of all heads: x / rms(x) · weight, its pairs turned by the token's angles; HALF pairs a head."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < dim
    value = tl.load(x + row * dim + at, inside, other=0.0).to(tl.float32)
    value *= tl.rsqrt(tl.sum(value * value, 0) / dim + eps)
    value *= tl.load(weight + at, inside, other=0.0)
    if ROTATES:
        # the norm's result is of the dtype that came in, and so is what is turned
        even, odd = tl.split(tl.reshape(value.to(out.dtype.element_ty).to(tl.float32), (BLOCK // 2, 2)))
        pair = row % tokens * HALF + tl.arange(0, BLOCK // 2) % HALF
        c, s = tl.load(cos + pair), tl.load(sin + pair)
        value = tl.reshape(tl.join(even * c - odd * s, even * s + odd * c), (BLOCK,))
    tl.store(out + row * dim + at, value.to(out.dtype.element_ty), inside)


@triton.jit
def quantise_heads(
    x,
    out,
    out_scale,
    tokens,
    scale_stride,
    heads,
    A_TILE: tl.constexpr,
    TILE: tl.constexpr,
    DIM: tl.constexpr,
):
    """128 tokens of one head as int8, with a step a token or, if A_TILE, one for them all."""
    tile, head = tl.program_id(0), tl.program_id(1)
    token, at = tile * TILE + tl.arange(0, TILE), tl.arange(0, DIM)
    place = (token.to(tl.int64) * heads + head)[:, None] * DIM + at[None, :]
    inside = (token < tokens)[:, None]
    value = tl.load(x + place, inside, other=0.0).to(tl.float32)
    most = tl.max(tl.abs(value), 1)
    if A_TILE:
        step = tl.maximum(tl.max(most, 0) / 127.0, 1e-12)
        tl.store(out_scale + head * scale_stride + tile, step)
        tl.store(out + place, _rounded(value / step), inside)
    else:
        steps = tl.maximum(most / 127.0, 1e-12)
        tl.store(out_scale + head * scale_stride + token, steps, token < tokens)
        tl.store(out + place, _rounded(value / steps[:, None]), inside)


@triton.jit
def longest(k, out, tokens, heads, TILE: tl.constexpr, DIM: tl.constexpr):
    """The length of the longest key of each head, into out, which is zeros."""
    tile, head = tl.program_id(0), tl.program_id(1)
    token, at = tile * TILE + tl.arange(0, TILE), tl.arange(0, DIM)
    place = (token.to(tl.int64) * heads + head)[:, None] * DIM + at[None, :]
    value = tl.load(k + place, (token < tokens)[:, None], other=0.0).to(tl.float32)
    tl.atomic_max(out + head, tl.sqrt(tl.max(tl.sum(value * value, 1), 0)))


@triton.jit
def greatest(v, out, tokens, heads, TILE: tl.constexpr, DIM: tl.constexpr):
    """The greatest magnitude of each channel of each head, into out, which is zeros."""
    tile, head = tl.program_id(0), tl.program_id(1)
    token, at = tile * TILE + tl.arange(0, TILE), tl.arange(0, DIM)
    place = (token.to(tl.int64) * heads + head)[:, None] * DIM + at[None, :]
    value = tl.load(v + place, (token < tokens)[:, None], other=0.0).to(tl.float32)
    tl.atomic_max(out + head * DIM + at, tl.max(tl.abs(value), 0))


@triton.jit
def turn_values(
    v,
    most,
    out,
    tokens,
    padded,
    heads,
    EIGHT: tl.constexpr,
    TILE: tl.constexpr,
    DIM: tl.constexpr,
    ROWS: tl.constexpr,
):
    """128 tokens of one head with keys innermost, (heads, ROWS, padded); zeros behind the last token.

    EIGHT: e4m3, of which the greatest is 448, keys in the order of hopper.cu's pack, and ones in the rows from 128 on.
    """
    tile, head = tl.program_id(0), tl.program_id(1)
    spot, at = tl.arange(0, TILE), tl.arange(0, DIM)
    if EIGHT:
        within = spot % 32
        block = within // 16 * 2 + within % 4 // 2
        key = spot // 32 * 32 + block * 8 + within % 16 // 4 * 2 + within % 2
    else:
        key = spot
    token = tile * TILE + key
    place = (token.to(tl.int64) * heads + head)[:, None] * DIM + at[None, :]
    value = tl.load(v + place, (token < tokens)[:, None], other=0.0).to(tl.float32)
    to = out + (head.to(tl.int64) * ROWS + at)[:, None] * padded + (tile * TILE + spot)[None, :]
    if EIGHT:
        value *= 448.0 / tl.maximum(tl.load(most + head * DIM + at), 1e-12)[None, :]
        ones = tl.full((8, TILE), 1.0, tl.float32).to(out.dtype.element_ty)
        behind = (
            out
            + (head.to(tl.int64) * ROWS + DIM + tl.arange(0, 8))[:, None] * padded
            + (tile * TILE + spot)[None, :]
        )
        tl.store(behind, ones)
    tl.store(to, tl.trans(value).to(out.dtype.element_ty))


@triton.jit
def channel_norm(
    x, gamma, bias, out, pixels, channels, BIASED: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr
):
    """Pixels with channels innermost: silu(y / |y| · √channels · gamma) of y = x + bias."""
    pixel = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    at = tl.arange(0, BLOCK)
    inside = (pixel < pixels)[:, None] & (at < channels)[None, :]
    place = pixel[:, None] * channels + at[None, :]
    value = tl.load(x + place, inside, other=0.0).to(tl.float32)
    if BIASED:
        value += tl.load(bias + at, at < channels, other=0.0).to(tl.float32)[None, :]
    length = tl.sqrt(tl.sum(value * value, 1))
    factor = tl.sqrt(channels.to(tl.float32)) / tl.maximum(length, 1e-12)
    value *= factor[:, None] * tl.load(gamma + at, at < channels, other=0.0).to(tl.float32)[None, :]
    tl.store(out + place, (value * tl.sigmoid(value)).to(out.dtype.element_ty), inside)


@triton.jit
def channel_sum(
    x, bias, other, count, channels, BIASED: tl.constexpr, ADDS: tl.constexpr, BLOCK: tl.constexpr
):
    """x += bias + other, channels innermost."""
    first = tl.program_id(0).to(tl.int64) * BLOCK
    at = tl.arange(0, BLOCK)
    inside = first + at < count
    value = tl.load(x + first + at, inside, other=0.0).to(tl.float32)
    if BIASED:
        channel = ((first % channels).to(tl.int32) + at) % channels
        value += tl.load(bias + channel).to(tl.float32)
    if ADDS:
        value += tl.load(other + first + at, inside, other=0.0).to(tl.float32)
    tl.store(x + first + at, value.to(x.dtype.element_ty), inside)


@triton.jit
def double_pixels(x, out, height, width, channels, BLOCK: tl.constexpr):
    """A part of a row of the larger frame."""
    row = tl.program_id(0)
    frame, above = row // (2 * height), row % (2 * height) // 2
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = at < 2 * width * channels
    source = (
        (frame * height + above).to(tl.int64) * width * channels
        + at // channels // 2 * channels
        + at % channels
    )
    tl.store(out + row.to(tl.int64) * 2 * width * channels + at, tl.load(x + source, inside), inside)


@triton.jit
def scale_sums(
    sums, steps, factors, bias, out, rows, columns, stride,
    GELU: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Parts of some rows of whole numbers: out = sums · steps · factors + bias; GELU: its tanh form of that."""
    row = tl.program_id(0).to(tl.int64) * TILE + tl.arange(0, TILE)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = (row < rows)[:, None] & (at < columns)[None, :]
    value = tl.load(sums + row[:, None] * stride + at[None, :], inside, other=0).to(tl.float32)
    value *= tl.load(steps + row, row < rows, other=0.0)[:, None]
    value *= tl.load(factors + at, at < columns, other=0.0)[None, :]
    value += tl.load(bias + at, at < columns, other=0.0)[None, :]
    if GELU:  # (1 + tanh u) / 2 is σ(2u)
        value *= tl.sigmoid(1.5957691216 * (value + 0.044715 * value * value * value))
    tl.store(out + row[:, None] * columns + at[None, :], value.to(out.dtype.element_ty), inside)
