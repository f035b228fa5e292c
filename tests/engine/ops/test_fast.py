"""Triton's kernels are used where one of them ran and was right; where not, the reason is in words."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from understudy_engine.ops import fast
from understudy_engine.ops.rows8 import quantise_plainly

CPU, CARD = torch.device("cpu"), torch.device("cuda", 0)


class StandIn:
    """Launched as a kernel is; gives the oracle's numbers, *off* by so many."""

    def __init__(self, off: int) -> None:
        self.off = off

    def __getitem__(self, grid: tuple[int, ...]) -> Any:
        def launched(x: Tensor, out: Tensor, out_scale: Tensor, dim: int, BLOCK: int) -> None:  # noqa: N803
            values, scale = quantise_plainly(x)
            out.copy_(values + self.off)
            out_scale.copy_(scale)

        return launched


@pytest.mark.parametrize("off", [0, 1])
def test_the_trial_holds_a_kernels_numbers_against_those_known(
    off: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = SimpleNamespace(quantise=StandIn(off))
    monkeypatch.setitem(sys.modules, "understudy_engine.ops.triton_kernels", kernels)
    assert fast._quantises_exactly(CPU) == (off == 0)


def test_why_there_is_no_triton_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(device: torch.device) -> bool:
        raise RuntimeError("Failed to find C compiler.")

    why_not = fast.why_no_triton.__wrapped__
    assert why_not(CPU) == "it is for graphics cards"
    monkeypatch.setattr(fast, "find_spec", lambda name: None)
    assert why_not(CARD) == "it is not installed"
    monkeypatch.setattr(fast, "find_spec", lambda name: SimpleNamespace())
    monkeypatch.setattr(fast, "_quantises_exactly", fail)
    assert why_not(CARD) == "RuntimeError: Failed to find C compiler."
    monkeypatch.setattr(fast, "_quantises_exactly", lambda device: False)
    assert why_not(CARD) == "its numbers are wrong"
    monkeypatch.setattr(fast, "_quantises_exactly", lambda device: True)
    assert why_not(CARD) == ""
