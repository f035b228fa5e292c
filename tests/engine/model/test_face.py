"""The face's blur is one function, whichever way a device computes it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from understudy_engine.model.face import blur, mean_of_two_thrice


@pytest.mark.parametrize("padding", [1, 2])
@pytest.mark.parametrize("shape", [(2, 3, 16, 16), (1, 5, 7, 12)])
def test_three_means_of_two_are_the_binomial_blur(padding: int, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mean_of_two_thrice(F.pad(x, (padding,) * 4)), blur(x, padding))
