"""doctor --gpu: the plan for a card, what to expect of it, and what is not promised."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch

from understudy_engine.expected import Card, Rates
from understudy_engine.memory_plans import Precision
from understudy_engine.ops.product8 import Way
from understudy_engine.types import FrameSize
from understudy_server.cli import doctor_gpu
from understudy_server.cli.doctor_gpu import examine_gpu, plan_finding
from understudy_server.cli.finding import Verdict

H200 = Rates(
    {Precision.BF16: 766e12, Precision.INT8: 1454e12}, {Precision.BF16: 759e12, Precision.INT8: 997e12}, 55e9
)
LARGE = FrameSize(1280, 720)


def test_a_large_card_keeps_the_model_and_is_told_what_to_expect() -> None:
    found = plan_finding(Card("", H200), 140 * 10**9, LARGE)
    assert found.found.startswith("bf16, all blocks on the card: ")
    assert found.advice.startswith("Expected, from these rates: 9.2 s a step")  # measured: 9.3 s
    assert "s for a second of footage in 20 steps" in found.advice


def test_a_card_of_24_gb_keeps_the_model_in_int8_if_its_numbers_are_exact() -> None:
    found = plan_finding(Card("", H200), 24 * 10**9, LARGE)
    assert found.found.startswith("int8, all blocks on the card: ")
    assert found.advice.startswith("Expected, from these rates: 6.5 s a step")  # measured: 6.4 s
    found = plan_finding(Card("its numbers are off", H200), 24 * 10**9, LARGE)
    assert found.found.startswith("bf16, ")
    assert "blocks streamed" in found.found


def test_a_slow_link_makes_steps_of_streamed_blocks_longer() -> None:
    quick, slow = (
        plan_finding(Card("its numbers are off", replace(H200, link_bytes_s=link)), int(7.6e9), LARGE)
        for link in (50e9, 1e9)
    )
    assert "blocks streamed" in quick.found
    assert "9.2" in quick.advice.split(" s a step")[0]
    assert "2" in slow.advice.split(" s a step")[0].split()[-1]  # 25 GB a step at 1 GB/s


def test_a_card_that_is_too_small_is_told_why() -> None:
    found = plan_finding(Card("", H200), 3 * 10**9, LARGE)
    assert (found.verdict, found.found) == (Verdict.NOTE, "does not fit")
    assert "Choose a smaller work area." in found.advice


def test_without_rates_the_plan_is_told_all_the_same() -> None:
    found = plan_finding(Card(""), 24 * 10**9, LARGE)
    assert found.found.startswith("int8, ")
    assert found.advice == ""


def test_what_runs_here_is_said_and_why_what_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy_engine.ops.product8.way_on", lambda device: Way.TORCH)
    monkeypatch.setattr("understudy_engine.card.why_no_int8", lambda device: "")
    told = {finding.topic: finding for finding in doctor_gpu._fast_paths(torch.device("cpu"))}
    assert told["Int8"].found == "exact here, by torch's product of int8"
    assert told["Triton"].verdict is Verdict.NOTE
    assert "Hopper" in told["Norms and sums"].found
    assert "Hopper" in told["Attention: hopper"].found
    monkeypatch.setattr("understudy_engine.card.why_no_int8", lambda device: "its numbers are off")
    told = {finding.topic: finding for finding in doctor_gpu._fast_paths(torch.device("cpu"))}
    assert (told["Int8"].found, told["Int8"].verdict) == ("its numbers are off", Verdict.NOTE)
    assert told["Int8"].advice == "The model is computed in bf16 on this card."


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what a machine without a card is told")
def test_without_a_card_what_is_needed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "8 GB or more" in list(examine_gpu())[-1].advice
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert "not promised" in list(examine_gpu())[-1].advice
    monkeypatch.setattr(torch.version, "hip", "6.2")
    assert [finding.topic for finding in examine_gpu()] == ["ROCm", "GPU"]
