"""A job on a device with little memory: the same pixels, begun again where memory runs out, left within a block."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from threading import current_thread

import numpy as np
import pytest
import torch

from tests.support.tiny import TINY
from understudy_engine import fitted as fitted_module
from understudy_engine import fresh as fresh_module
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import OutOfMemory
from understudy_engine.expected import Card
from understudy_engine.fitted import FittedModel, first_plan
from understudy_engine.memory_plans import MemoryPlan, Precision, Work
from understudy_engine.model.configs import WAN_ANIMATE_14B
from understudy_engine.types import Event, Planned, SegmentDone, Step, Warned
from understudy_engine.weights.load import load_model
from understudy_engine.weights.sources import StandIn

WHOLE = MemoryPlan(precision=Precision.FLOAT32, blocks=2, span_tokens=40)
LEAN = replace(WHOLE, streamed_blocks=2, streams_keys=True, has_visitors=True, keeps_base=False)


def engine_of(plan: MemoryPlan) -> Engine:
    return Engine(load_model(TINY, StandIn()), EngineOptions(), memory_plan=plan)


def ends_of(events):
    return [event.overlap for event in events if isinstance(event, SegmentDone)]


@pytest.fixture
def runs_out(monkeypatch):
    """Gives a function that lets an engine's memory run out in its third step, once or each time."""

    def arrange(engine: Engine, *, times: int) -> None:
        net, calls = engine._parts.transformer, []
        forward = net.forward

        def counted(*args):
            calls.append(1)
            if 3 <= len(calls) < 3 + times:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return forward(*args)

        monkeypatch.setattr(net, "forward", counted)

    return arrange


def test_a_lean_plan_makes_the_same_pixels_to_the_bit(shot):
    request = shot(14)
    expected = ends_of(engine_of(WHOLE).run(request))
    made = ends_of(engine_of(LEAN).run(request))
    assert len(made) == len(expected) == 2
    assert all(np.array_equal(a, b) for a, b in zip(made, expected, strict=True))


def test_where_memory_runs_out_the_segment_begins_again_with_the_plan_below(shot, runs_out, monkeypatch):
    request = shot(14)
    expected = ends_of(engine_of(LEAN).run(request))
    engine = engine_of(WHOLE)
    runs_out(engine, times=1)

    def shrink(fitted: FittedModel) -> MemoryPlan:
        fitted.arrange(LEAN)
        return LEAN

    monkeypatch.setattr(FittedModel, "shrink", shrink)
    events = list(engine.run(request))
    warned = [event.text for event in events if isinstance(event, Warned) and "memory ran out" in event.text]
    assert len(warned) == 1
    assert "2 of 2 blocks streamed" in warned[0]
    steps = [(event.segment, event.step) for event in events if isinstance(event, Step)]
    assert steps == [(0, 1), (0, 2), (1, 1), (1, 2)]  # the second segment had not come to a step
    assert all(np.array_equal(a, b) for a, b in zip(ends_of(events), expected, strict=True))


@pytest.fixture
def refused(monkeypatch):
    """Memory's refusals as the allocator counts them: a list, as long as there were any."""
    found: list[int] = []
    for module in (fitted_module, fresh_module):
        monkeypatch.setattr(module, "refusals", lambda device: len(found))
    return found


def test_a_segment_is_begun_again_where_memory_was_refused_and_nobody_heard_of_it(shot, refused, monkeypatch):
    """As by cuDNN, which then takes another kernel: its last bits differ."""
    engine, plans = engine_of(WHOLE), [LEAN, None]
    monkeypatch.setattr(FittedModel, "shrink", lambda fitted: plans.pop(0))
    events = []
    for event in engine.run(shot(9)):
        events.append(event)
        if isinstance(event, Step) and event.step == 1:
            refused.append(1)
    assert sum(isinstance(event, Warned) and "memory ran out" in event.text for event in events) == 1
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2, 1, 2]
    assert len(ends_of(events)) == 1  # with no plan below it stays as it is


def test_after_memory_was_refused_another_thread_computes(shot, refused, monkeypatch):
    engine, threads = engine_of(WHOLE), []
    forward = engine._parts.transformer.forward

    def noted(*args):
        threads.append(current_thread())
        return forward(*args)

    monkeypatch.setattr(engine._parts.transformer, "forward", noted)
    monkeypatch.setattr(FittedModel, "shrink", lambda fitted: None)
    expected = ends_of(engine.run(shot(9)))
    refused.append(1)
    first = ends_of(engine.run(shot(9)))
    again = ends_of(engine.run(shot(9)))
    refused.append(1)
    other = ends_of(engine.run(shot(9)))
    here, one, same, another = threads[0], threads[2], threads[4], threads[6]
    assert here is current_thread()
    assert one is same
    assert len({here, one, another}) == 3
    one.join(10)
    assert not one.is_alive()
    for made in (first, again, other):
        assert all(np.array_equal(a, b) for a, b in zip(made, expected, strict=True))


def test_a_job_is_left_and_fails_in_another_thread_as_in_this_one(shot, refused, monkeypatch):
    engine = engine_of(WHOLE)
    refused.append(1)
    with closing(engine.run(shot(9))) as events:  # type: ignore[type-var] # a generator
        assert isinstance(next(events), Planned)

    def leave():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(engine.run(shot(9), leave))
    assert len(ends_of(engine.run(shot(9)))) == 1


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "Triton Error [CUDA]: out of memory",
        "GET was unable to find an engine to execute this computation",
    ],
)
def test_memory_that_a_library_did_not_get_ran_out_too(shot, monkeypatch, words):
    engine = engine_of(WHOLE)

    def refused(*_):
        raise RuntimeError(words)

    monkeypatch.setattr(engine._parts.transformer, "forward", refused)
    with pytest.raises(OutOfMemory, match="Memory ran out while making 9 frames"):
        list(engine.run(shot(9)))


def test_the_plan_below_is_one_that_the_card_has_room_for(monkeypatch):
    rung = replace(WHOLE, precision=Precision.INT8)
    below = [replace(rung, streamed_blocks=n, room_bytes=size) for n, size in ((0, 800), (1, 600), (2, 400))]
    fitted = engine_of(replace(rung, room_bytes=1000))._fitted
    fitted._work = Work.usual(TINY)
    monkeypatch.setattr(fitted_module, "lower", lambda spec, work, plan: next(
        (each for each in below if each.room_bytes < plan.room_bytes), None))  # fmt: skip
    monkeypatch.setattr(fitted_module, "budget_bytes", lambda options: 650)
    assert fitted.shrink() == below[1]
    monkeypatch.setattr(fitted_module, "budget_bytes", lambda options: 10)  # then it is tried with the least
    assert fitted.shrink() == below[2]


def test_memory_that_the_system_did_not_lock_is_told(shot, monkeypatch):
    engine = engine_of(WHOLE)
    monkeypatch.setattr(FittedModel, "planned", lambda *_, **__: LEAN)
    monkeypatch.setattr(engine._fitted._fitting._lane, "told", lambda: "The system locked 1 of 2 GB.")
    warned = [event.text for event in engine.run(shot(9)) if isinstance(event, Warned)]
    assert "The system locked 1 of 2 GB." in warned


def test_a_model_that_card_and_machine_cannot_hold_is_refused_before_it_is_loaded(monkeypatch):
    monkeypatch.setattr(fitted_module, "precisions_of", lambda device: (Precision.BF16,))
    monkeypatch.setattr(fitted_module, "budget_bytes", lambda options: 8 * 10**9)
    monkeypatch.setattr(fitted_module, "available_bytes", lambda: 16 * 10**9)
    with pytest.raises(
        OutOfMemory, match=r"36\.2 GB of the model in bf16 stay in the machine's own, and 16\.0 GB"
    ):
        first_plan(WAN_ANIMATE_14B, EngineOptions(device="cuda"))


def test_a_plan_says_in_which_precision_a_card_computes(shot):
    assert "precision" not in engine_of(WHOLE).plan(shot(9)).settings
    assert engine_of(replace(WHOLE, precision=Precision.BF16)).plan(shot(9)).settings["precision"] == "bf16"


def test_where_no_plan_is_below_one_sentence_says_so(shot, runs_out):
    engine = engine_of(WHOLE)
    runs_out(engine, times=9)
    with pytest.raises(OutOfMemory, match="Memory ran out while making 9 frames of 64x64"):
        list(engine.run(shot(14)))


def test_a_job_is_left_between_two_frames_that_are_finished(shot):
    engine, finishing, frames = engine_of(WHOLE), [], 9

    def meanwhile() -> None:
        if events and getattr(events[-1], "text", "") == "finishing":
            finishing.append(1)
            if len(finishing) == frames:
                raise InterruptedError

    events: list[Event] = []
    with pytest.raises(InterruptedError):
        events.extend(engine.run(shot(frames), meanwhile))
    assert len(finishing) == frames


def test_a_job_is_left_between_two_pieces_of_work(shot):
    engine, calls = engine_of(WHOLE), []

    def meanwhile() -> None:
        calls.append(1)
        if len(calls) == 12:
            raise InterruptedError

    events: list[Event] = []
    with pytest.raises(InterruptedError):
        events.extend(engine.run(shot(9), meanwhile))
    assert len(calls) == 12
    assert not [event for event in events if isinstance(event, SegmentDone)]
    assert len(ends_of(engine.run(shot(9)))) == 1  # and the engine is as good as before


@pytest.mark.parametrize(("why_not", "precision"), [("", Precision.INT8), ("it is off", Precision.BF16)])
def test_int8_is_planned_only_on_a_card_that_was_seen_to_do_it_right(why_not, precision, monkeypatch):
    monkeypatch.setattr("understudy_engine.fitted.precisions_of", lambda device: Card(why_not).precisions)
    monkeypatch.setattr("understudy_engine.fitted.budget_bytes", lambda options: 24 * 10**9)
    monkeypatch.setattr("understudy_engine.fitted.available_bytes", lambda: None)
    plan = first_plan(WAN_ANIMATE_14B, EngineOptions(device="cuda"))
    assert plan is not None
    assert plan.precision is precision
