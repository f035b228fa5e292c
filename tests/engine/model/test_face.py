"""The face's blur is one function, whichever way a device computes it."""

from __future__ import annotations

import pytest
import torch

from understudy_engine.model.face import ActivatedConv2d, EqualConv2d, blurred_conv, blurred_kernel


@pytest.mark.parametrize(
    ("conv", "padding"), [(ActivatedConv2d(5, 7, 3, stride=2), 2), (EqualConv2d(5, 7, 1, stride=2), 1)]
)
@pytest.mark.parametrize("size", [(16, 16), (8, 12)])
def test_a_blurred_kernel_does_what_the_kernel_does_to_a_blurred_picture(
    conv: EqualConv2d, padding: int, size: tuple[int, int]
) -> None:
    x = torch.randn((2, 5, *size), generator=torch.Generator().manual_seed(0))
    at_once = conv.through(x, blurred_kernel(conv.weight), padding)
    torch.testing.assert_close(at_once, blurred_conv(conv, x, padding))
