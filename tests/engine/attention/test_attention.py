from __future__ import annotations

import pytest
import torch
from torch import Tensor

from understudy_engine.attention import ERROR, Backend, KeyValue, attend, attention, prepare, told, why_not
from understudy_engine.errors import KernelFailed
from understudy_engine.ops.fast import is_hopper, plainly

CPU = torch.device("cpu")
EVERYWHERE = (Backend.SDPA, Backend.AUTO, Backend.AUTO_INT8)
FOR_HOPPER = (Backend.HOPPER, Backend.HOPPER_INT8)
needs_hopper = pytest.mark.skipif(
    not torch.cuda.is_available() or not is_hopper(torch.device("cuda", 0)), reason="needs a Hopper card"
)


def drawn(queries: int, keys: int, heads: int = 3, width: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    make = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, n, heads, width, generator=make) for n in (queries, keys, keys))
    return q, k, v


def test_attention_is_the_softmax_of_the_scaled_products():
    q, k, v = (torch.cat([each, -each]) for each in drawn(7, 5))
    weights = torch.einsum("bnhd,bmhd->bhnm", q, k).div(8**0.5).softmax(dim=-1)
    expected = torch.einsum("bhnm,bmhd->bnhd", weights, v)
    for backend in EVERYWHERE:
        torch.testing.assert_close(attention(q, k, v, backend=backend), expected)


def test_keys_that_were_prepared_serve_any_number_of_queries():
    q, k, v = drawn(7, 5)
    keys = prepare(k, v, Backend.SDPA)
    made = torch.cat([attend(part, keys) for part in q.split(3, dim=1)], dim=1)
    torch.testing.assert_close(made, attention(q, k, v))


@pytest.mark.parametrize("backend", [Backend.AUTO, Backend.AUTO_INT8])
def test_auto_is_torchs_own_where_there_is_no_card(backend: Backend):
    _, k, v = drawn(1, 4000, width=128)
    assert isinstance(prepare(k.bfloat16(), v.bfloat16(), backend), KeyValue)


@pytest.mark.parametrize("backend", FOR_HOPPER)
def test_a_kernel_that_is_asked_for_by_name_works_or_says_why_not(backend: Backend):
    q, k, v = drawn(2, 2, width=128)
    with pytest.raises(KernelFailed, match=r"NVIDIA's Hopper cards .*Choose 'auto'"):
        attention(q, k, v, backend=backend)


def test_what_is_told_of_each_backend_is_true_on_a_cpu():
    found = {each.backend: each for each in told(CPU)}
    assert found[Backend.SDPA].works
    for backend in FOR_HOPPER:
        assert not found[backend].works
        assert "Hopper" in found[backend].why


@needs_hopper
@pytest.mark.parametrize("backend", FOR_HOPPER)
@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (127, 129), (2049, 2500), (5000, 130)])
def test_the_kernel_gives_the_oracles_numbers(backend: Backend, queries: int, keys: int):
    q, k, v = (each.bfloat16().cuda() for each in drawn(queries, keys, width=128))
    expected = attention(q.float(), k.float(), v.float())
    made = attention(q, k, v, backend=backend).float()
    assert (made - expected).norm() / expected.norm() < ERROR[backend]


@needs_hopper
def test_auto_is_the_kernel_from_a_few_thousand_keys_on_and_never_in_plainly():
    card = torch.device("cuda", 0)
    assert [why_not(backend, card) for backend in FOR_HOPPER] == ["", ""]
    _, k, v = (each.bfloat16().cuda() for each in drawn(1, 4000, width=128))
    with torch.no_grad():
        assert not isinstance(prepare(k, v, Backend.AUTO), KeyValue)
        assert isinstance(prepare(k[:, :100], v[:, :100], Backend.AUTO), KeyValue)
        with plainly():
            assert isinstance(prepare(k, v, Backend.AUTO), KeyValue)
    assert isinstance(prepare(k, v, Backend.AUTO), KeyValue)  # gradients may be wanted
