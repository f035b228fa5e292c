"""Estimates tell how a job fits into the card, and refuse what does not fit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from understudy_api.v1 import job_pb2, server_pb2
from understudy_engine.errors import OutOfMemory
from understudy_engine.media.info import ClipInfo
from understudy_engine.model.configs import WAN_ANIMATE_14B
from understudy_engine.planning import draft
from understudy_engine.plans import MemoryPlan
from understudy_engine.types import FrameSize, Mode, SwapRequest
from understudy_server.estimate import Estimator, Outline
from understudy_server.settings import Settings

CARD = "NVIDIA GeForce RTX 4070"


def outline() -> Outline:
    """A clip of 100 frames at 720p."""
    size = FrameSize(1280, 720)
    clip = ClipInfo(
        path=Path("clip.mkv"), size=size, rate=Fraction(24), frame_count=100, pix_fmt="yuv420p", bit_depth=8
    )
    request = SwapRequest(mode=Mode.REPLACE, clip=clip.path, character=Path("hero.png"))
    made = draft(request, WAN_ANIMATE_14B, clip, size, loras=())
    return Outline(spec=job_pb2.JobSpec(), model=WAN_ANIMATE_14B, loras=frozenset(), clip=clip, draft=made)


def plan_on(name: str, free_gb: float, tmp_path: Path, **settings: Any) -> MemoryPlan | None:
    told = SimpleNamespace(_settings=Settings(data_folder=tmp_path, **settings))
    device = server_pb2.Device(
        id="cuda:0" if name else "cpu", name=name, free_memory_bytes=int(free_gb * 1e9)
    )
    return Estimator._memory_plan(cast("Estimator", told), outline(), device)


def test_a_small_card_streams_and_says_what_it_takes(tmp_path: Path) -> None:
    plan = plan_on(CARD, 11.5, tmp_path)
    assert plan is not None
    assert "of 40 blocks streamed" in str(plan)
    assert plan.peak_bytes <= 11.5e9


def test_an_h200_can_be_asked_for_either_precision(tmp_path: Path) -> None:
    assert str(plan_on("NVIDIA H200", 140, tmp_path)).startswith("bf16, all blocks on the card")
    assert str(plan_on("NVIDIA H200", 140, tmp_path, plan="int8")).startswith("int8, all blocks on the card")


def test_no_more_is_used_than_the_server_may(tmp_path: Path) -> None:
    plan = plan_on("NVIDIA H200", 140, tmp_path, gpu_memory_bytes=12 * 10**9)
    assert plan is not None
    assert plan.peak_bytes <= 12e9


def test_what_does_not_fit_is_refused_before_the_job(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory, match=r"\d+ frames of 1280x720 need"):
        plan_on(CARD, 4, tmp_path)


def test_on_a_cpu_nothing_is_planned(tmp_path: Path) -> None:
    assert plan_on("", 16, tmp_path) is None
