"""Attention by our own kernel for Hopper (hopper.cu), in bfloat16 or in eight bits.

In eight bits scores come from int8 queries, a step a token, and int8 keys, a step for 128 tokens; weights and values
are e4m3, values with a step a channel. Scores need int8: they stand in an exponent, and e4m3 has three bits. Sums of
e4m3 products are taken over from the tensor cores every 512 keys, since those add with 14 bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ..ops.fast import is_hopper_card
from ..ops.nvrtc import Kernel, TensorMap

DIM = 128  # of a head: no other is made
TILE = 128  # queries of a block, and keys of a step
THREADS = 384
PANEL_BYTES = 128 * 128
ROWS_OF_ONES = 8  # behind the values in eight bits: their products are the weights' sums
STAGES = {True: 4, False: 2}  # tiles on their way, by whether in eight bits: what shared memory holds
SCALE = math.log2(math.e) / math.sqrt(DIM)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Keys and values of one clip as the kernel reads them."""

    k: Tensor  # (M, H, 128) int8 or bfloat16
    v: Tensor  # (H, 128 or 136, M to whole tiles), keys innermost, e4m3 or bfloat16
    k_scale: Tensor  # (H, tiles) float32
    v_scale: Tensor  # (H, 128) float32
    k_length: Tensor  # (H,) float32, of the longest key: no score is above it and the query's together

    @property
    def is_int8(self) -> bool:
        return self.k.dtype == torch.int8


def why_not_device(device: torch.device) -> str:
    return "" if is_hopper_card(device) else "it is written for NVIDIA's Hopper cards (H100, H200)"


def why_not_shape(k: Tensor) -> str:
    """Empty if keys (B, M, H, D) can be attended to."""
    if k.shape[0] == 1 and k.shape[3] == DIM and k.dtype == torch.bfloat16:
        return ""
    return f"it takes one clip at a time, heads of {DIM} channels and bfloat16, not {tuple(k.shape)} in {k.dtype}"


def prepare(k: Tensor, v: Tensor, *, is_int8: bool) -> Prepared:
    """k and v (1, M, H, 128) bfloat16."""
    from ..ops.triton_kernels import greatest, longest, quantise_heads, turn_values

    k, v = k[0].contiguous(), v[0].contiguous()
    tokens, heads, _ = k.shape
    tiles = -(-tokens // TILE)
    most, k_scale = (
        k.new_zeros(heads, DIM, dtype=torch.float32),
        k.new_ones(heads, tiles, dtype=torch.float32),
    )
    k_length = k.new_zeros(heads, dtype=torch.float32)
    grid, rows = (tiles, heads), DIM + (ROWS_OF_ONES if is_int8 else 0)
    longest[grid](k, k_length, tokens, heads, TILE=TILE, DIM=DIM)
    if is_int8:
        greatest[grid](v, most, tokens, heads, TILE=TILE, DIM=DIM)
        whole, k = k, torch.empty_like(k, dtype=torch.int8)
        quantise_heads[grid](whole, k, k_scale, tokens, tiles, heads, A_TILE=True, TILE=TILE, DIM=DIM)
    turned = v.new_empty(heads, rows, tiles * TILE, dtype=torch.float8_e4m3fn if is_int8 else torch.bfloat16)
    turn_values[grid](
        v, most, turned, tokens, tiles * TILE, heads, EIGHT=is_int8, TILE=TILE, DIM=DIM, ROWS=rows
    )
    return Prepared(k, turned, k_scale, most / 448, k_length)


def attend(q: Tensor, keys: Prepared) -> Tensor:
    """q (1, N, H, 128) bfloat16 -> (1, N, H, 128) bfloat16."""
    from ..ops.triton_kernels import quantise_heads

    q = q[0].contiguous()
    queries, heads, _ = q.shape
    out, q_scale = torch.empty_like(q), keys.k_scale
    if keys.is_int8:
        q_scale = q.new_empty(heads, queries, dtype=torch.float32)
        whole, q = q, torch.empty_like(q, dtype=torch.int8)
        grid = (-(-queries // TILE), heads)
        quantise_heads[grid](whole, q, q_scale, queries, queries, heads, A_TILE=False, TILE=TILE, DIM=DIM)
    _kernel(keys.is_int8)(
        (-(-queries // TILE), heads, 1), THREADS, _map_of_rows(q), _map_of_rows(keys.k), _map_of_values(keys.v),
        q_scale, keys.k_scale, keys.v_scale, keys.k_length, out, queries, len(keys.k), heads, queries, SCALE,
    )  # fmt: skip
    return out[None]


def _map_of_rows(x: Tensor) -> TensorMap:
    """Boxes of 128 tokens of one head, 128 bytes of its channels wide."""
    tokens, heads, _ = x.shape
    size = x.element_size()
    return TensorMap(x, (DIM, heads, tokens), (DIM * size, heads * DIM * size), (128 // size, 1, TILE))


def _map_of_values(v: Tensor) -> TensorMap:
    """Boxes of 128 bytes of keys of all rows of one head."""
    heads, rows, keys = v.shape
    size = v.element_size()
    return TensorMap(v, (keys, rows, heads), (keys * size, rows * keys * size), (128 // size, rows, 1))


@cache
def _kernel(is_int8: bool) -> Kernel:
    width, stages = 1 if is_int8 else 2, STAGES[is_int8]
    values = PANEL_BYTES * width + (ROWS_OF_ONES * 128 if is_int8 else 0)
    shared = 1024 + PANEL_BYTES * width + stages * (PANEL_BYTES * width + values)
    source = Path(__file__).with_name("hopper.cu")
    return Kernel(source, "attend", shared_bytes=shared, QK_BYTES=width, PV_BYTES=width, STAGES=stages)
