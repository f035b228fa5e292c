from __future__ import annotations

import torch

from understudy_engine.attention import Backend, attention


def test_every_backend_computes_softmax_of_the_scaled_products():
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 7, 3, 8), torch.randn(2, 5, 3, 8), torch.randn(2, 5, 3, 8)
    weights = torch.einsum("bnhd,bmhd->bhnm", q, k).div(8**0.5).softmax(dim=-1)
    expected = torch.einsum("bhnm,bmhd->bnhd", weights, v)
    for backend in Backend:
        torch.testing.assert_close(attention(q, k, v, backend=backend), expected)
