"""The two rates of a card that say what to expect of it."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ..expected import Rates
from .lane import pinned

SIDE = 8192  # of the matrices: large enough for any card's best rate
COPIED_BYTES = 256 << 20
TURNS = 5


@torch.inference_mode()
def measured(device: torch.device) -> Rates:
    """Takes about a second and 0.7 GB of the card."""
    a, b = (torch.randn(SIDE, SIDE, dtype=torch.bfloat16, device=device) for _ in range(2))
    matmul_s = _seconds(lambda: a @ b, device)
    source, target = pinned(COPIED_BYTES), torch.empty(COPIED_BYTES, dtype=torch.uint8, device=device)
    copy_s = _seconds(lambda: target.copy_(source, non_blocking=True), device)
    return Rates(matmul_flops_s=2 * SIDE**3 / matmul_s, link_bytes_s=COPIED_BYTES / copy_s)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Of one turn."""
    work()
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    for _ in range(TURNS):
        work()
    torch.cuda.synchronize(device)
    return (time.perf_counter() - began) / TURNS
