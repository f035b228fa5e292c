"""The engine's events as messages to the server, where segments are stored beside the making of the next one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from understudy_api.v1 import result_pb2
from understudy_engine.aside import Aside
from understudy_engine.errors import CorruptMedia
from understudy_engine.model.between import Between, go_on
from understudy_engine.types import Event, FrameRange, FrameSize, Mode, Plan, Segment, SegmentDone, Step
from understudy_server.engine_process.messages import Message, SegmentStored, StepDone
from understudy_server.engine_process.render import _generate

JOB = {"job": "jobs/1", "attempt": 1}
SEGMENTS = tuple(Segment(index=i, start=4 * i, length=5, overlap=min(i, 1), padding=0) for i in range(3))


PLAN = Plan(
    model="nano",
    mode=Mode.ANIMATE,
    frames=FrameRange(0, 13),
    rate=Fraction(24),
    result_size=FrameSize(64, 64),
    model_size=FrameSize(64, 64),
    segments=SEGMENTS,
    steps=4,
    seed=1,
    settings={},
)


def done(segment: Segment) -> SegmentDone:
    return SegmentDone(segment, {}, np.zeros((3, 1, 1, 1), np.float32), seed=1, is_aside=True)


def test_a_segment_that_is_being_stored_is_not_lost_with_the_next_one() -> None:
    is_slow = threading.Event()

    def store(segment: SegmentDone, between: Between) -> result_pb2.Segment:
        is_slow.wait(60)
        return result_pb2.Segment(index=segment.segment.index)

    def events() -> Iterator[Event]:
        yield done(SEGMENTS[0])
        yield Step(1, 1, 4)
        is_slow.set()
        raise CorruptMedia("plate.mp4 could not be read at frame 17.", file="plate.mp4")

    told: list[Message] = []
    with Aside(has_thread=True) as aside, pytest.raises(CorruptMedia, match="frame 17"):
        told.extend(_generate(events(), PLAN, store, aside, go_on, JOB))
    assert [type(message) for message in told] == [StepDone, SegmentStored]
