from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from understudy_engine.ops.conv import conv3d
from understudy_engine.ops.norm import RmsNorm, layer_norm, modulate
from understudy_engine.ops.rope import Grid, rotary, rotate


def test_a_head_of_128_gives_22_pairs_to_time_and_21_to_each_side():
    table = rotary(Grid(3, 4, 5), 128)
    still = rotary(Grid(1, 4, 5), 128).cos[0, 0]
    last_frame = table.cos.view(3, 4, 5, 64)[2, 0, 0]
    assert (last_frame != still).nonzero().flatten().tolist() == list(range(22))
    last_row = table.cos.view(3, 4, 5, 64)[0, 3, 0]
    assert (last_row != still).nonzero().flatten().tolist() == list(range(22, 43))


@given(st.integers(1, 60), st.integers(1, 50), st.integers(1, 2000))
def test_spans_are_whole_frames_as_few_and_as_equal_as_can_be(frames, columns, tokens):
    grid = Grid(frames, 1, columns)
    spans = grid.spans(tokens)
    lengths = [span.frames.stop - span.frames.start for span in spans]
    most = max(1, tokens // columns)
    assert sum(lengths) == frames
    assert [span.frames.start for span in spans[1:]] == [span.frames.stop for span in spans[:-1]]
    assert all(span.tokens.start == span.frames.start * columns for span in spans)
    assert max(lengths) <= most
    assert len(spans) <= math.ceil(frames / most)
    assert lengths[0] == math.ceil(frames / math.ceil(frames / most))
    assert set(lengths[:-1]) <= {lengths[0]}


def test_rotated_products_depend_on_the_distance_alone():
    grid = Grid(4, 3, 3)
    table = rotary(grid, 16)
    q, k = torch.randn(16), torch.randn(16)
    turned_q, turned_k = (
        rotate(x.expand(1, grid.tokens, 1, 16), table)[0, :, 0].view(*grid, 16) for x in (q, k)
    )
    near = turned_q[0, 1, 0] @ turned_k[1, 2, 1]
    far = turned_q[2, 0, 1] @ turned_k[3, 1, 2]
    torch.testing.assert_close(near, far)


def test_norms_of_bfloat16_have_float32_statistics():
    x = torch.randn(2, 3, 512).bfloat16()
    assert layer_norm(x, 1e-6).dtype == torch.float32
    expected = F.rms_norm(x.float(), (512,), eps=1e-6).bfloat16()
    assert torch.equal(RmsNorm(512, 1e-6)(x), expected)


def test_modulation_shifts_and_scales_the_normed_stream():
    x, shift, scale = torch.randn(2, 3, 8), torch.randn(2, 1, 8), torch.randn(2, 1, 8)
    torch.testing.assert_close(modulate(x, shift, scale, 1e-6), layer_norm(x, 1e-6) * (1 + scale) + shift)


def test_the_quick_convolution_is_the_plain_one():
    x, weight, bias = torch.randn(1, 3, 5, 9, 7), torch.randn(4, 3, 3, 3, 3), torch.randn(4)
    expected = F.conv3d(x, weight, bias, (2, 1, 2), (0, 1, 1))
    torch.testing.assert_close(conv3d(x, weight, bias, (2, 1, 2), (0, 1, 1)), expected)
