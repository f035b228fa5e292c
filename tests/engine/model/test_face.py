"""The face's blur is one function, whichever way a device computes it."""

from __future__ import annotations

import pytest
import torch

from tests.support.tiny import TINY
from understudy_engine.model.face import (
    FACES_AT_ONCE,
    ActivatedConv2d,
    EqualConv2d,
    blurred_conv,
    blurred_kernel,
)
from understudy_engine.weights.load import load_transformer
from understudy_engine.weights.sources import StandIn


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


@pytest.mark.parametrize("frames", [1, 5, 13])
@torch.no_grad()
def test_one_pass_serves_for_all_frames_without_a_face(frames: int) -> None:
    net = load_transformer(TINY, StandIn(), device=torch.device("cpu"), dtype=torch.float32)
    side, pictures = TINY.face.size_px, list[int]()
    net.motion_encoder.conv_in.register_forward_pre_hook(lambda _, given: pictures.append(len(given[0])))
    made = net.encode_no_faces(frames)
    assert pictures == [min(frames, FACES_AT_ONCE)]
    expected = net.encode_faces(torch.full((1, frames, 3, side, side), -1.0))
    torch.testing.assert_close(made.adapters, expected.adapters, rtol=1e-6, atol=1e-6)
