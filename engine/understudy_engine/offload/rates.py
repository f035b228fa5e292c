"""The rates of a card that say what to expect of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

import torch
from torch import nn

from ..attention import Backend, attention
from ..expected import Rates
from ..memory_plans import Precision
from ..ops.int8 import Int8Linear
from ..ops.rows8 import quantise_rows
from .host import pinned

SIDE = 8192  # of the matrices: large enough for any card's best rate
ROWS, DEPTH, COLUMNS = 16_384, 5120, 13_824  # of the product in int8: the 14B model's widest layer
TOKENS, HEADS, HEAD_DIM = 32_760, 8, 128  # of attention: 77 frames of 480p, some of the heads
COPIED_BYTES = 256 << 20
TURNS = 10  # at most
LASTING_S = 0.3  # about, at most

BACKENDS = {Precision.BF16: Backend.AUTO, Precision.INT8: Backend.AUTO_INT8}


@torch.inference_mode()
def measured(device: torch.device, precisions: Collection[Precision]) -> Rates:
    """Takes about a second, on slow cards three, and 1.5 GB of the card."""
    products = {Precision.BF16: _matmul, Precision.INT8: _matmul8}
    return Rates(
        {precision: products[precision](device) for precision in precisions},
        {precision: _attention(device, BACKENDS[precision]) for precision in precisions},
        _link(device),
    )


def _matmul(device: torch.device) -> float:
    a, b = (torch.randn(SIDE, SIDE, dtype=torch.bfloat16, device=device) for _ in range(2))
    return 2 * SIDE**3 / _seconds(lambda: a @ b, device)


def _matmul8(device: torch.device) -> float:
    layer = Int8Linear.of(nn.Linear(DEPTH, COLUMNS, dtype=torch.bfloat16, device=device))
    rows = quantise_rows(torch.randn(ROWS, DEPTH, dtype=torch.bfloat16, device=device))
    return 2 * ROWS * DEPTH * COLUMNS / _seconds(lambda: layer(rows), device)


def _attention(device: torch.device, backend: Backend) -> float:
    shape = (1, TOKENS, HEADS, HEAD_DIM)
    q, k, v = (torch.randn(shape, dtype=torch.bfloat16, device=device) for _ in range(3))
    flops = 4 * TOKENS**2 * HEADS * HEAD_DIM
    return flops / _seconds(lambda: attention(q, k, v, backend=backend), device)


def _link(device: torch.device) -> float:
    source, target = pinned(COPIED_BYTES), torch.empty(COPIED_BYTES, dtype=torch.uint8, device=device)
    return COPIED_BYTES / _seconds(lambda: target.copy_(source, non_blocking=True), device)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Of one turn, behind one that is not counted."""
    work()
    once = _timed(work, 1, device)
    turns = max(1, min(TURNS, int(LASTING_S / once)))
    return _timed(work, turns, device) / turns


def _timed(work: Callable[[], object], turns: int, device: torch.device) -> float:
    _wait(device)
    began = time.perf_counter()
    for _ in range(turns):
        work()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
