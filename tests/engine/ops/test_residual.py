"""The plain forms, which kernels are held against, are the formulas that a block is defined by."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from understudy_engine.ops.norm import Affine, Modulated, RmsNorm, layer_norm, modulate
from understudy_engine.ops.residual import Norming, added, added_normed, normed
from understudy_engine.ops.rope import Grid, rotary, rotate, rotate_normed
from understudy_engine.ops.rows8 import Rows8, quantise_rows

EPS = 1e-6
BF16 = torch.bfloat16


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


X, Y, GATE = drawn(2, 7, 24), drawn(2, 7, 24).bfloat16(), drawn(2, 1, 24)
SHIFT, SCALE = drawn(2, 1, 24), drawn(2, 1, 24) + 1


def normed16(norm: Norming) -> torch.Tensor:
    made = normed(X, norm, EPS, BF16)
    assert isinstance(made, torch.Tensor)
    return made


def test_added_is_the_gated_sum():
    assert torch.equal(added(X, Y, GATE), torch.addcmul(X, Y.float(), GATE))
    assert torch.equal(added(X, Y, None), X + Y)


def test_normed_modulates_scales_or_does_neither():
    assert torch.equal(normed16(Modulated(SHIFT, SCALE)), modulate(X, SHIFT, SCALE, EPS).bfloat16())
    weight, bias = SCALE[0, 0], SHIFT[0, 0]
    expected = F.layer_norm(X, (24,), weight, bias, EPS).bfloat16()
    assert torch.equal(normed16(Affine(bias, weight)), expected)
    assert torch.equal(normed16(None), layer_norm(X, EPS).bfloat16())


def test_added_normed_is_one_after_the_other():
    norm = Modulated(SHIFT, SCALE)
    x, h = added_normed(X, Y, GATE, norm, EPS, BF16)
    assert torch.equal(x, added(X, Y, GATE))
    assert isinstance(h, torch.Tensor)
    assert torch.equal(h, modulate(x, *norm, EPS).bfloat16())


def test_rows_for_int8_are_quantised_from_float32():
    made = normed(X, None, EPS, torch.int8)
    assert isinstance(made, Rows8)
    assert all(torch.equal(a, b) for a, b in zip(made, quantise_rows(layer_norm(X, EPS)), strict=True))


def test_rotate_normed_norms_all_heads_together_and_then_turns():
    norm, grid = RmsNorm(48, EPS).requires_grad_(False), Grid(2, 2, 2)
    norm.weight.copy_(drawn(48))
    x, table = drawn(1, grid.tokens, 48).bfloat16(), rotary(grid, 12)
    expected = rotate(norm(x).unflatten(-1, (4, 12)), table)
    assert torch.equal(rotate_normed(x, norm, 4, table), expected)
