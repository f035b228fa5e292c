"""Every way to multiply int8 gives the oracle's bits, whatever the sizes; one that does not is not taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from understudy_engine.ops import product8, rows8
from understudy_engine.ops.fast import plainly, why_no_triton
from understudy_engine.ops.product8 import Way, by, multiplied, plainly_multiplied, summed, way_on, why_not
from understudy_engine.ops.rows8 import Rows8, pieces, quantise_rows

CPU = torch.device("cpu")
needs_exact_cpu = pytest.mark.skipif(
    why_not(Way.TORCH, CPU) != "", reason="this processor's product of int8 is not exact: the oracle answers"
)
Sizes = tuple[int, int, int]  # rows, depth, columns
ODD: list[Sizes] = [(1, 8, 8), (3, 1041, 5), (17, 96, 4100), (70, 13824, 17)]


def drawn(sizes: Sizes) -> tuple[Rows8, Rows8, Tensor]:
    count, depth, columns = sizes
    draw = torch.Generator().manual_seed(sum(sizes))
    rows, weight = (quantise_rows(torch.randn(n, depth, generator=draw)) for n in (count, columns))
    return rows, weight, torch.randn(columns, generator=draw)


@pytest.fixture
def retried(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Tensor, Tensor], Tensor]], str]:
    """Tries torch's way anew, with another product of int8 in its place."""

    def retry(product: Callable[[Tensor, Tensor], Tensor]) -> str:
        monkeypatch.setattr(torch, "_int_mm", product)
        return why_not.__wrapped__(Way.TORCH, CPU)

    return retry


@needs_exact_cpu
@pytest.mark.parametrize("sizes", ODD)
@pytest.mark.parametrize("gelu", [False, True])
def test_torchs_way_gives_the_oracles_bits(sizes: Sizes, gelu: bool) -> None:
    given = drawn(sizes)
    assert torch.equal(by(Way.TORCH, *given, gelu=gelu), plainly_multiplied(*given, gelu=gelu))


@needs_exact_cpu
def test_rows_keep_their_axes() -> None:
    (values, scale), weight, bias = drawn((6, 16, 8))
    made = by(Way.TORCH, Rows8(values.view(2, 3, 16), scale.view(2, 3)), weight, bias)
    assert torch.equal(made.flatten(0, 1), by(Way.TORCH, Rows8(values, scale), weight, bias))


@needs_exact_cpu
def test_sums_never_lie_there_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows8, "PIECE_BYTES", 4 * 24 * 256)
    given, counts = drawn((600, 32, 24)), []

    def counted(rows: Tensor, weight: Tensor) -> Tensor:
        counts.append(len(rows))
        return summed(rows, weight)

    monkeypatch.setattr(product8, "summed", counted)
    assert torch.equal(by(Way.TORCH, *given), plainly_multiplied(*given))
    assert counts == [256, 256, 88]


def test_pieces_are_all_rows_and_none_takes_more_than_it_may() -> None:
    for columns in (8, 5120, 13824):
        found = list(pieces(75600, columns))
        assert [at.start for at in found] == [0, *(at.stop for at in found[:-1])]
        assert found[-1].stop == 75600
        assert all((at.stop - at.start) * columns * 4 <= rows8.PIECE_BYTES for at in found)


@needs_exact_cpu
@pytest.mark.parametrize("sizes", ODD)
def test_what_a_card_is_given_fits_its_demands_and_gives_the_same_sums(sizes: Sizes) -> None:
    """More than 16 rows, and eights: what is added are zeros."""
    rows, weight, _ = drawn(sizes)
    wide, tall = product8._padded(rows.values, product8.ROWS), product8._padded(weight.values, product8.WIDTH)
    assert (len(wide) % 32, wide.shape[1] % 16, len(tall) % 16) == (0, 0, 0)
    count, columns = len(rows.values), len(weight.values)
    expected = rows.values.double() @ weight.values.double().T
    assert torch.equal(torch._int_mm(wide, tall.T)[:count, :columns].double(), expected)


def test_within_plainly_the_oracle_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    given = drawn((2, 16, 8))
    monkeypatch.setattr(product8, "by", lambda *_, **__: pytest.fail("a way was taken"))
    with plainly():
        multiplied(*given)


def test_a_way_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Way] = []
    monkeypatch.setattr(product8, "by", lambda way, *_: taken.append(way))
    with product8.taking(Way.HOPPER):
        multiplied(*drawn((2, 16, 8)))
    multiplied(*drawn((2, 16, 8)))
    assert taken[:1] == [Way.HOPPER]
    assert Way.HOPPER not in taken[1:]


def test_the_trials_product_is_exact_in_float32_too() -> None:
    """So that each way gives its bits, whether it scales in 32 bits or in 64."""
    rows, weight, bias = product8._trial()
    sums = rows.values.double() @ weight.values.double().T
    assert sums.abs().max() == 127 * 127 * product8.TRIAL[1]
    assert torch.equal(sums.float().double(), sums)
    scaled = [
        product8._scaled(sums.int(), rows.scale, weight.scale, bias, False, wide)
        for wide in (torch.float32, torch.float64)
    ]
    assert torch.equal(*scaled)


def test_a_processor_that_cuts_sums_off_is_found_out(
    retried: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product8, "TRIAL", (5, 64, 8))

    def cut_off(a: Tensor, b: Tensor) -> Tensor:
        """As instructions do that take one side without a sign and add pairs of products in 16 bits."""
        pairs = (a.int() + 128)[:, None, :] * b.T.int()  # (rows, columns, depth)
        added = pairs.unflatten(-1, (-1, 2)).sum(-1).clamp(-(2**15), 2**15 - 1)
        return (added.sum(-1) - 128 * b.int().sum(0)).int()

    assert retried(cut_off) == "its numbers are not the exact ones"


def test_what_fails_says_how(retried: Callable[..., str]) -> None:
    def refuse(a: Tensor, b: Tensor) -> Tensor:
        raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")

    assert retried(refuse) == "RuntimeError: CUBLAS_STATUS_NOT_SUPPORTED"


def test_each_way_says_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Hopper" in why_not(Way.HOPPER, CPU)
    assert why_no_triton(CPU)
    assert way_on(CPU) in (Way.TORCH, None)
    old = torch.device("cuda", 7)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    told = why_not.__wrapped__(Way.TORCH, old)
    assert told == "it needs compute capability 8.0, and this card has 7.5"
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "NVIDIA" in why_not.__wrapped__(Way.TORCH, old)
