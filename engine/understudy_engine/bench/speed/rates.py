"""The rates that steps are made of: matmuls, and each attention backend, at the 14B model's sizes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ...attention import Backend, attention, why_not
from ...ops.int8 import Int8Linear
from ...ops.product8 import Way, taking
from ...ops.product8 import why_not as why_no_product
from ...ops.rows8 import quantise_rows
from .bench import Bench
from .record import middle, timed

SIDE = 8192
TOKENS = (32_760, 75_600)  # of 77 frames of 480p and of 720p
ELSEWHERE = "matmul_int8 by cuBLASLt"  # what cards do that are not Hopper's
AT_ONCE = 10  # calls that are timed together
TERA = 1e12


@torch.no_grad()
def matmuls(bench: Bench, side: int = SIDE, tokens: int = TOKENS[-1]) -> None:
    a, b = (torch.randn(side, side, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    seconds = _each(bench, lambda: a @ b)
    bench.record.row("matmul_bf16", 2 * side**3 / seconds / TERA, "TFLOP/s", of=f"{side} cubed")
    net = bench.spec.transformer
    layer = Int8Linear.of(nn.Linear(net.dim, net.ffn_dim, device=bench.device, dtype=torch.bfloat16))
    rows = quantise_rows(torch.randn(tokens, net.dim, device=bench.device, dtype=torch.bfloat16))
    flops, of = 2 * tokens * net.dim * net.ffn_dim, f"{tokens} x {net.dim} x {net.ffn_dim}"
    bench.record.row("matmul_int8", flops / _each(bench, lambda: layer(rows)) / TERA, "TFLOP/s", of=of)
    if why := why_no_product(Way.TORCH, bench.device):
        bench.record.skip(ELSEWHERE, why)
        return
    with taking(Way.TORCH):
        bench.record.row(ELSEWHERE, flops / _each(bench, lambda: layer(rows)) / TERA, "TFLOP/s", of=of)


@torch.no_grad()
def attentions(bench: Bench, counts: tuple[int, ...] = TOKENS) -> None:
    for backend in (Backend.SDPA, Backend.HOPPER, Backend.HOPPER_INT8):
        if why := why_not(backend, bench.device):
            bench.record.skip(f"attention_{backend}", why)
            continue
        for tokens in counts:
            _attention(bench, backend, tokens)


def _attention(bench: Bench, backend: Backend, tokens: int) -> None:
    """With what it does to keys and values first."""
    net = bench.spec.transformer
    shape = (1, tokens, net.heads, net.head_dim)
    q, k, v = (torch.randn(shape, device=bench.device, dtype=torch.bfloat16) for _ in range(3))
    seconds = middle(timed(lambda: attention(q, k, v, backend=backend), bench.device, bench.turns))
    rate = 4 * tokens**2 * net.dim / seconds / TERA
    bench.record.row(f"attention_{backend}_{tokens}", rate, "TFLOP/s")


def _each(bench: Bench, work: Callable[[], object]) -> float:
    seconds = timed(lambda: [work() for _ in range(AT_ONCE)], bench.device, bench.turns)
    return middle(seconds) / AT_ONCE
