"""Segments read and finished while others are made: the same ones, in order, and left when the job is."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from functools import partial
from typing import cast

import numpy as np
import pytest

from tests.support.tiny import TINY
from understudy_engine.aside import Aside, NotWanted
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import CorruptMedia
from understudy_engine.model.between import Between, go_on
from understudy_engine.shot import Shot
from understudy_engine.types import Event, SegmentDone, Step
from understudy_engine.weights.load import load_model
from understudy_engine.weights.sources import StandIn


def engine_of(*, has_aside: bool | None) -> Engine:
    return Engine(load_model(TINY, StandIn()), EngineOptions(has_aside=has_aside))


def done_of(events: list[Event]) -> list[SegmentDone]:
    return [event for event in events if isinstance(event, SegmentDone)]


def test_segments_made_beside_each_other_are_those_made_one_by_one(shot):
    request = shot(24)
    alone = done_of(list(engine_of(has_aside=False).run(request)))
    aside = done_of(list(engine_of(has_aside=True).run(request)))
    assert [done.segment for done in aside] == [done.segment for done in alone]
    assert len(alone) > 2
    for one, other in zip(aside, alone, strict=True):
        assert np.array_equal(one.overlap, other.overlap)
        for layer in other.layers:
            for a, b in zip(one.layers[layer], other.layers[layer], strict=True):
                assert all(np.array_equal(x, y) for x, y in zip(a.planes, b.planes, strict=True))
    assert [done.is_aside for done in aside] == [True] * (len(aside) - 1) + [False]
    assert not any(done.is_aside for done in alone)


def test_a_segment_is_read_and_another_finished_while_one_is_made(shot, monkeypatch):
    threads: dict[str, set[str]] = {"material": set(), "layers_of_roles": set()}
    for name, names in threads.items():
        work = getattr(Shot, name)

        def noted(*given, work=work, names=names):
            names.add(threading.current_thread().name)
            return work(*given)

        monkeypatch.setattr(Shot, name, noted)
    list(engine_of(has_aside=True).run(shot(24)))
    for names in threads.values():
        assert len(names) == 1
        assert threading.main_thread().name not in names
        names.clear()
    list(engine_of(has_aside=None).run(shot(24)))  # on a CPU
    assert threads["material"] == {threading.main_thread().name}


def test_a_job_that_is_left_leaves_nobody_at_work(shot):
    with closing(cast("Generator[Event]", engine_of(has_aside=True).run(shot(24)))) as events:
        steps = 0
        for event in events:
            steps += isinstance(event, Step)
            if steps > TINY.sampling.steps:  # in the second segment
                break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("aside")]


def test_what_cannot_be_read_aside_is_told_as_ever(shot, monkeypatch):
    material = Shot.material

    def broken(self, segment, between):
        if segment.index == 2:
            raise CorruptMedia("plate.mp4 could not be read at frame 17.", file="plate.mp4")
        return material(self, segment, between)

    monkeypatch.setattr(Shot, "material", broken)
    made: list[Event] = []
    with pytest.raises(CorruptMedia, match="frame 17"):
        made.extend(engine_of(has_aside=True).run(shot(24)))
    assert [done.segment.index for done in done_of(made)] == [0, 1]  # what was made before is not lost


def test_work_is_done_in_the_order_in_which_it_was_asked_for():
    with Aside(has_thread=True) as aside:
        tasks = [aside.do(partial(_number, i)) for i in range(20)]
        assert [task.result(go_on) for task in tasks] == list(range(20))


def _number(i: int, between: Between) -> int:
    return i


def test_without_a_thread_work_is_done_when_its_result_is_asked_for():
    done = []
    with Aside(has_thread=False) as aside:
        task = aside.do(lambda between: done.append(1))
        assert not task.is_done
        assert not done
        task.result(go_on)
    assert done == [1]


def test_who_waits_is_asked_meanwhile_and_may_leave():
    goes, asked = threading.Event(), []

    def works(between) -> None:
        while not goes.wait(0.01):
            between()

    def leaves() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Aside(has_thread=True) as aside:
        aside.do(works).result(leaves)
    with pytest.raises(NotWanted):
        aside._go_on()
