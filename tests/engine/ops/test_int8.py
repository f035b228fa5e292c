from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from understudy_engine.ops.int8 import Int8Linear
from understudy_engine.ops.rows8 import quantise_rows

ROUNDING = 1 + 1e-5


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def linear(c_in: int, c_out: int) -> nn.Linear:
    made = nn.Linear(c_in, c_out).requires_grad_(False)
    made.weight.copy_(gaussian(c_out, c_in, seed=1) / c_in**0.5)
    return made


def relative(made: torch.Tensor, expected: torch.Tensor) -> float:
    return float((made.float() - expected).norm() / expected.norm())


def test_no_value_of_a_quantised_row_is_off_by_more_than_half_its_rows_step():
    rows = gaussian(7, 3, 50) * torch.logspace(-3, 3, 7)[:, None, None]
    values, scale = quantise_rows(rows)
    assert ((values * scale[..., None] - rows).abs() <= scale[..., None] / 2 * ROUNDING).all()
    assert (values.abs().amax(-1) == 127).all()


def test_a_row_of_zeros_stays_zeros():
    values, scale = quantise_rows(torch.zeros(2, 5))
    assert not (values * scale[:, None]).any()


def test_a_layer_in_int8_is_a_hundredth_from_its_own_in_float32():
    whole, x = linear(256, 96), gaussian(64, 256)
    error = relative(Int8Linear.of(whole)(x), whole(x))
    assert 0.002 < error < 0.015


def test_gelu_comes_behind_the_product():
    layer, x = Int8Linear.of(linear(32, 16)), gaussian(5, 3, 32)
    expected = F.gelu(layer(x).float(), approximate="tanh")
    torch.testing.assert_close(layer(x, gelu=True).float(), expected, rtol=0.02, atol=0.01)  # rounded before


def test_rows_that_were_quantised_once_serve_every_layer():
    x = gaussian(2, 9, 32)
    rows = quantise_rows(x)
    for layer in (Int8Linear.of(linear(32, 8)), Int8Linear.of(linear(32, 24))):
        assert torch.equal(layer(rows), layer(x))


@pytest.mark.parametrize("depth", [1040, 1041, 13824])
def test_sums_of_products_are_exact_however_long(depth: int):
    """What float32 holds no more is added in float64."""
    layer = Int8Linear(depth, 1)
    layer.weight.fill_(127)
    layer.scale.fill_(1.0)
    x = torch.full((1, depth), 127.0)
    x[0, 0] = 126.0
    expected = 127 * 127 * depth - 127
    layer.bias.fill_(-float(expected - expected % 1024))  # what is left, bfloat16 holds
    assert layer(x).item() == torch.tensor(float(expected % 1024)).bfloat16().item()


def test_take_fills_a_layer_where_it_is():
    whole = linear(32, 8)
    layer = Int8Linear(32, 8)
    place = layer.weight.data_ptr()
    layer.take(whole.weight)
    assert layer.weight.data_ptr() == place
    assert torch.equal(layer.weight, Int8Linear.of(whole).weight)
    assert torch.equal(layer.scale, Int8Linear.of(whole).scale)
