"""A card says what it can do from what it was seen to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from understudy_engine import card
from understudy_engine.expected import Card, Rates
from understudy_engine.memory_plans import Precision
from understudy_engine.offload import rates
from understudy_engine.ops.product8 import Way

CPU = torch.device("cpu")
BOTH = (Precision.BF16, Precision.INT8)


@pytest.fixture(autouse=True)
def nothing_is_known_yet() -> Iterator[None]:
    card.measured_card_of.cache_clear()
    yield
    card.measured_card_of.cache_clear()


def test_where_no_way_gives_the_exact_numbers_there_is_no_int8_and_each_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(card, "way_on", lambda device: None)
    monkeypatch.setattr(card, "why_not", lambda way, device: "its numbers are not the exact ones")
    assert card.precisions_of(CPU) == (Precision.BF16,)
    assert f"{Way.TORCH}: its numbers are not the exact ones" in card.why_no_int8(CPU)


def test_one_way_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "way_on", lambda device: Way.TORCH)
    assert card.precisions_of(CPU) == BOTH
    assert card.why_no_int8(CPU) == ""


def test_rates_are_measured_for_what_it_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their arithmetic, at sizes that a processor does at once."""
    for name in ("SIDE", "ROWS", "DEPTH", "COLUMNS", "TOKENS", "HEADS", "HEAD_DIM"):
        monkeypatch.setattr(rates, name, 16)
    monkeypatch.setattr(rates, "TURNS", 2)
    monkeypatch.setattr(rates, "pinned", lambda size: torch.empty(size, dtype=torch.uint8))
    monkeypatch.setattr(rates, "COPIED_BYTES", 1024)
    for precisions in (BOTH, BOTH[:1]):
        found = rates.measured(CPU, precisions)
        for by_precision in (found.matmul_flops_s, found.attention_flops_s):
            assert tuple(by_precision) == precisions
            assert all(rate > 0 for rate in by_precision.values())
        assert found.link_bytes_s > 0


def test_a_card_that_is_full_is_known_without_its_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(device: torch.device, precisions: object) -> Rates:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(card, "way_on", lambda device: Way.TORCH)
    monkeypatch.setattr(card, "measured", full)
    assert card.measured_card_of(CPU) == Card("")


def test_a_card_is_measured_once_and_only_if_its_rates_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr(card, "measured", lambda device, precisions: looked.append(device))
    card.card_of(CPU)
    assert looked == []
    assert card.measured_card_of(CPU) is card.measured_card_of(CPU)
    assert looked == [CPU]
