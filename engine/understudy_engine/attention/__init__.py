"""The one door to attention: every softmax(QKᵀ)V of the model goes through :func:`attention`.

Each backend is a module of its own with the same signature and layout. The plain one is the oracle the others
are tested against, and an explicitly chosen backend works or says why not.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from torch import Tensor

from . import sdpa

AttentionFn = Callable[[Tensor, Tensor, Tensor], Tensor]


class Backend(StrEnum):
    SDPA = "sdpa"  # torch's own scaled_dot_product_attention, on every device


_BACKENDS: dict[Backend, AttentionFn] = {Backend.SDPA: sdpa.attend}


def attention(q: Tensor, k: Tensor, v: Tensor, *, backend: Backend = Backend.SDPA) -> Tensor:
    """Full bidirectional attention with scale 1/√D and no mask.

    q is (B, N, H, D), k and v are (B, M, H, D), all of one dtype; returns (B, N, H, D). Nothing of size
    N x M is stored.
    """
    return _BACKENDS[backend](q, k, v)
