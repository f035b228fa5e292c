"""doctor --gpu: the plan for a card, what to expect of it, and what is not promised."""

from __future__ import annotations

import sys

import pytest
import torch

from understudy_engine.expected import Rates
from understudy_engine.types import FrameSize
from understudy_server.cli.doctor_gpu import examine_gpu, plan_finding
from understudy_server.cli.finding import Verdict

H200 = Rates(matmul_flops_s=780e12, link_bytes_s=50e9)
LARGE = FrameSize(1280, 720)


def test_a_large_card_keeps_the_model_and_is_told_what_to_expect() -> None:
    found = plan_finding("NVIDIA H200", 140 * 10**9, LARGE, H200)
    assert found.found.startswith("bf16, all blocks on the card: ")
    assert found.advice.startswith(
        "Expected, from these rates: 11.1 s a step"
    )  # measured with diffusers: 11.3 s
    assert "s for a second of footage in 20 steps" in found.advice


def test_a_slow_link_makes_steps_of_streamed_blocks_longer() -> None:
    card, free = "NVIDIA GeForce RTX 4060", int(7.6e9)
    quick, slow = (
        plan_finding(card, free, LARGE, Rates(matmul_flops_s=780e12, link_bytes_s=link))
        for link in (50e9, 1e9)
    )
    assert "blocks streamed" in quick.found
    assert "11.1" in quick.advice.split(" s a step")[0]
    assert "2" in slow.advice.split(" s a step")[0].split()[-1]  # 25 GB a step at 1 GB/s


def test_a_card_that_is_too_small_is_told_why() -> None:
    found = plan_finding("NVIDIA GeForce RTX 3050", 3 * 10**9, LARGE, H200)
    assert (found.verdict, found.found) == (Verdict.NOTE, "does not fit")
    assert "Choose a smaller work area." in found.advice


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what a machine without a card is told")
def test_without_a_card_what_is_needed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "8 GB or more" in list(examine_gpu())[-1].advice
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert "not promised" in list(examine_gpu())[-1].advice
    monkeypatch.setattr(torch.version, "hip", "6.2")
    assert [finding.topic for finding in examine_gpu()] == ["ROCm", "GPU"]
