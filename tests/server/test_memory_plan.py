"""Estimates tell how a job fits into the card, and refuse what does not fit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from understudy_api.v1 import job_pb2, server_pb2
from understudy_engine.errors import OutOfMemory, RequestError
from understudy_engine.expected import Card, Rates
from understudy_engine.media.info import ClipInfo
from understudy_engine.memory_plans import MemoryPlan, Precision, Work, choose
from understudy_engine.model.configs import NANO, WAN_ANIMATE_14B
from understudy_engine.planning import draft
from understudy_engine.types import FrameSize, Mode, SwapRequest
from understudy_server.dispatcher import Dispatcher
from understudy_server.engine_process import devices
from understudy_server.engine_process.messages import LENGTH, Beat, Ready, decode, encode
from understudy_server.estimate import LEAST, MOST, Estimator, Outline
from understudy_server.settings import Settings

CARD = "NVIDIA GeForce RTX 4070"
WITHOUT_INT8 = Card("its numbers are not the exact ones")
RATES = Rates(
    {Precision.BF16: 766e12, Precision.INT8: 1454e12}, {Precision.BF16: 759e12, Precision.INT8: 997e12}, 55e9
)


HD = FrameSize(1280, 720)


def outline(size: FrameSize = HD) -> Outline:
    """A clip of 100 frames."""
    clip = ClipInfo(
        path=Path("clip.mkv"), size=size, rate=Fraction(24), frame_count=100, pix_fmt="yuv420p", bit_depth=8
    )
    request = SwapRequest(mode=Mode.REPLACE, clip=clip.path, character=Path("hero.png"))
    made = draft(request, WAN_ANIMATE_14B, clip, size, loras=())
    return Outline(spec=job_pb2.JobSpec(), model=WAN_ANIMATE_14B, loras=frozenset(), clip=clip, draft=made)


def told(tmp_path: Path, card: Card | None, **settings: Any) -> Estimator:
    """An estimator that knows of nothing but its settings and a card."""
    known = SimpleNamespace(
        _settings=Settings(data_folder=tmp_path, **settings), _dispatcher=SimpleNamespace(card=card)
    )
    return cast("Estimator", known)


def plan_on(
    name: str, free_gb: float, tmp_path: Path, card: Card | None = None, **settings: Any
) -> MemoryPlan | None:
    device = server_pb2.Device(
        id="cuda:0" if name else "cpu", name=name, free_memory_bytes=int(free_gb * 1e9)
    )
    return Estimator._memory_plan(told(tmp_path, card or Card(""), **settings), outline(), device)


def test_a_small_card_streams_and_says_what_it_takes(tmp_path: Path) -> None:
    plan = plan_on(CARD, 11.5, tmp_path)
    assert plan is not None
    assert "of 40 blocks streamed" in str(plan)
    assert plan.peak_bytes <= 11.5e9


def test_an_h200_can_be_asked_for_either_precision(tmp_path: Path) -> None:
    assert str(plan_on("NVIDIA H200", 140, tmp_path)).startswith("bf16, all blocks on the card")
    assert str(plan_on("NVIDIA H200", 140, tmp_path, plan="int8")).startswith("int8, all blocks on the card")


def test_a_small_job_is_reckoned_in_the_precision_that_the_model_is_loaded_in(tmp_path: Path) -> None:
    device, small = server_pb2.Device(id="cuda:0", free_memory_bytes=65 * 10**9), FrameSize(832, 480)
    budget, both = device.free_memory_bytes, list(Precision)
    alone = choose(WAN_ANIMATE_14B, Work(size=small, frames=77), budget, precisions=both)
    plan = Estimator._memory_plan(told(tmp_path, Card("")), outline(small), device)
    assert plan is not None
    assert (plan.precision, alone.precision) == (Precision.INT8, Precision.BF16)


def test_no_more_is_used_than_the_server_may(tmp_path: Path) -> None:
    plan = plan_on("NVIDIA H200", 140, tmp_path, gpu_memory_bytes=12 * 10**9)
    assert plan is not None
    assert plan.peak_bytes <= 12e9


def test_what_does_not_fit_is_refused_before_the_job(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory, match=r"\d+ frames of 1280x720 need"):
        plan_on(CARD, 4, tmp_path)


def test_on_a_cpu_nothing_is_planned(tmp_path: Path) -> None:
    assert plan_on("", 16, tmp_path) is None


def test_what_the_engine_found_about_its_card_decides_not_the_cards_name(tmp_path: Path) -> None:
    assert str(plan_on("NVIDIA GeForce RTX 4090", 23, tmp_path)).startswith("int8, all blocks on the card")
    assert str(plan_on("NVIDIA H200", 23, tmp_path, WITHOUT_INT8)).startswith("bf16, ")
    with pytest.raises(RequestError, match="int8 cannot be had with this card"):
        plan_on("NVIDIA H200", 140, tmp_path, WITHOUT_INT8, plan="int8")


def test_a_first_job_on_a_gpu_is_told_how_long_it_will_take_about(tmp_path: Path) -> None:
    """Two segments, of 53 frames and of 49; one of 77 takes 20 steps of 10.2 s on an H200, and 4 s for the VAE."""
    plan = plan_on("NVIDIA H200", 140, tmp_path)
    found = Estimator._by_rates(told(tmp_path, Card("", RATES)), outline(), plan)
    assert found is not None
    shorter = (53 + 49) / (2 * 77)
    least, most = (2 * (20 * 10.2 * each + 3.75 * shorter) for each in (shorter**2, shorter))
    assert LEAST * least < found[0] < LEAST * most
    assert MOST * least < found[1] < MOST * most


def test_where_rates_are_unknown_so_is_the_time(tmp_path: Path) -> None:
    plan = plan_on("NVIDIA H200", 140, tmp_path)
    nano = replace(outline(), model=NANO)
    assert Estimator._by_rates(told(tmp_path, Card("")), outline(), plan) is None
    assert Estimator._by_rates(told(tmp_path, None), outline(), plan) is None
    assert Estimator._by_rates(told(tmp_path, Card("", RATES)), outline(), None) is None
    assert Estimator._by_rates(told(tmp_path, Card("", RATES)), nano, plan) is None


def test_the_gpu_that_the_engine_computes_with_is_the_first(tmp_path: Path) -> None:
    names = [server_pb2.Device(id=name) for name in ("cpu", "cuda:0", "cuda:1")]
    for known, used in ((names, "cuda:0"), (names[:2], "cuda:0"), (names[:1], "cpu")):
        estimator = told(tmp_path, None)
        estimator._dispatcher.devices = known  # type: ignore[misc]
        assert Estimator._device(estimator).id == used


@pytest.mark.parametrize("card", [Card("", RATES), WITHOUT_INT8])
def test_what_an_engine_tells_of_its_card_arrives(card: Card) -> None:
    data = card.as_data()
    for message in (Ready(devices=[], card=data), Beat(moving=True, devices=[], card=data)):
        arrived = decode(encode(message)[LENGTH.size :])
        assert isinstance(arrived, (Ready, Beat))
        assert Card.of_data(arrived.card) == card


def test_a_card_that_was_measured_since_takes_the_place_of_what_was_known() -> None:
    known = SimpleNamespace(_card=Card(""), _engine=SimpleNamespace(card=Card("", RATES)))
    told = cast("Any", Dispatcher.card).fget
    assert told(known) == Card("", RATES)
    known._engine = None  # it died
    assert told(known) == Card("", RATES)


def test_the_engines_process_tells_its_card_and_measures_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("understudy_engine.card.card_of", lambda device: Card(""))
    monkeypatch.setattr("understudy_engine.card.measured_card_of", lambda device: Card("", RATES))
    assert Card.of_data(devices.card()) == Card("")
    assert Card.of_data(devices.card(with_rates=True)) == Card("", RATES)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert devices.card(with_rates=True) == {}
