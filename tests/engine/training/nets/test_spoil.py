from __future__ import annotations

import torch

from understudy_engine.training.nets.spoil import compress, soften, spoil


def test_the_same_numbers_spoil_a_picture_the_same_way() -> None:
    pictures = torch.rand(4, 3, 32, 32)
    first, second = (spoil(pictures, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert (first != pictures).any()
    assert 0 <= first.min() <= first.max() <= 1


def test_compression_loses_more_the_coarser_its_steps() -> None:
    pictures = torch.rand(1, 3, 32, 32)
    losses = [
        (compress(pictures, torch.full((1, 1, 1, 1), step)) - pictures).abs().mean() for step in (0, 0.2, 0.8)
    ]
    assert losses[0] < 1e-3
    assert losses[0] < losses[1] < losses[2]


def test_softening_takes_detail_and_leaves_the_mean() -> None:
    pictures = torch.rand(8, 3, 32, 32)
    soft = soften(pictures, torch.Generator().manual_seed(0))
    torch.testing.assert_close(soft.mean(), pictures.mean(), atol=0.01, rtol=0)
    assert soft.var() < pictures.var()
