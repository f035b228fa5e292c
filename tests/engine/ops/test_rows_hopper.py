"""Which passes over rows our kernels for Hopper take; what they give is held in test_kernels_on_cuda.py."""

from __future__ import annotations

import pytest
import torch

from understudy_engine.ops import rows_hopper
from understudy_engine.ops.rows8 import quantise_rows, quantised_sum
from understudy_engine.ops.rows_hopper import Pass, quantise_pass, residual_pass, rms_rotate_pass, why_not

CARD = torch.device("cuda", 0)
ALL_OF_IT = {"adds": True, "gated": True, "affine": False, "int8": True}


@pytest.mark.parametrize(
    "made",
    [
        *(residual_pass(dim, **ALL_OF_IT) for dim in (8, 200, 5120, 10_240)),
        *(quantise_pass(dim, adds=True) for dim in (8, 200, 5120, 13824)),
        *(rms_rotate_pass(dim, 64) for dim in (384, 5120, 20_480)),
    ],
)
def test_rows_that_a_processor_holds_are_taken(made: Pass) -> None:
    columns, chunks, threads, _ = made.spread
    assert made.why_not == ""
    assert made.threads * columns * chunks >= made.dim
    assert made.threads % 32 == 0
    assert made.blocks * made.threads <= threads
    assert made.blocks * made.shared_bytes <= rows_hopper.SHARED_BYTES


@pytest.mark.parametrize("dim", [4, 204, 5121])
def test_rows_of_no_whole_chunks_are_refused(dim: int) -> None:
    assert f"not {dim}" in quantise_pass(dim, adds=False).why_not


@pytest.mark.parametrize("made", [residual_pass(13824, **ALL_OF_IT), quantise_pass(40_960, adds=False)])
def test_rows_that_no_processor_holds_are_refused(made: Pass) -> None:
    assert "do not fit" in made.why_not


def test_heads_of_no_whole_chunks_are_refused() -> None:
    assert "12 channels" in rms_rotate_pass(384, 6).why_not


def test_why_they_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(device: torch.device) -> dict[str, float]:
        raise RuntimeError("no NVRTC")

    asked = why_not.__wrapped__
    assert "Hopper" in asked(torch.device("cpu"))
    monkeypatch.setattr(rows_hopper, "is_hopper_card", lambda device: True)
    monkeypatch.setattr(rows_hopper, "_tried", fail)
    assert asked(CARD) == "RuntimeError: no NVRTC"
    for off in (0.5, float("nan")):
        monkeypatch.setattr(rows_hopper, "_tried", lambda device, off=off: {"a": 0.0, "b": off})
        assert asked(CARD) == "their numbers are wrong: b"
    monkeypatch.setattr(rows_hopper, "_tried", lambda device: {"a": 0.0})
    assert asked(CARD) == ""


def test_a_sum_is_quantised_as_it_would_be_alone() -> None:
    a, b = torch.randn(2, 3, 5, 24, generator=torch.Generator().manual_seed(0)).bfloat16()
    for made, expected in zip(quantised_sum(a, b), quantise_rows(a + b), strict=True):
        assert torch.equal(made, expected)
