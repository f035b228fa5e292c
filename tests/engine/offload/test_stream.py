"""Weights that come and go: in order, ahead of use, and never into a buffer that is still in use."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from understudy_engine.offload.group import Group
from understudy_engine.offload.lane import HostLane
from understudy_engine.offload.stream import WeightStream


class SlowLane:
    """A device whose copies happen as late as they may: when somebody waits for them.

    It knows what the computing side has asked for, and fails the test if a copy would come under its feet.
    """

    def __init__(self) -> None:
        self.asked = 0  # pieces of computing that were asked for
        self.pending: list[tuple[Tensor, Tensor]] = []
        self.log: list[str] = []
        self.empty = self.host = HostLane().empty

    def told(self) -> str:
        return ""

    def mark(self) -> int:
        return self.asked

    def copy(self, target: Tensor, source: Tensor, after: int) -> int:
        assert after == self.asked, "a copy would begin before the computing that was asked for has ended"
        self.pending.append((target, source))
        self.log.append("copy")
        return len(self.log)

    def wait(self, until: Any) -> None:
        for target, source in self.pending:
            target.copy_(source)
        self.pending = []


def groups_of(count: int, dtype: torch.dtype = torch.float32) -> tuple[list[Group], list[Tensor]]:
    tensors = [torch.full((3, 5), float(i), dtype=torch.float32).to(dtype) for i in range(count)]
    return [Group([tensor], HostLane().host) for tensor in tensors], tensors


@pytest.mark.parametrize("lane", [HostLane, SlowLane])
@pytest.mark.parametrize("slots", [1, 2, 3, 9])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_group_is_in_place_when_it_is_needed(lane: type, slots: int, count: int) -> None:
    way = lane()
    groups, tensors = groups_of(count)
    stream = WeightStream(groups, way, slots)
    for _ in range(3):  # steps: after the last group comes the first
        for i in range(count):
            stream.need(i)
            assert tensors[i].eq(i).all()
            if lane is SlowLane:
                way.asked += 1
            stream.done(i)


def test_the_next_group_is_asked_for_before_it_is_needed() -> None:
    lane = SlowLane()
    stream = WeightStream(groups_of(4)[0], lane, slots=2)
    stream.need(0)
    assert len(lane.log) == 2
    for i in range(4):
        stream.need(i)
        stream.done(i)
        assert len(lane.log) == 3 + i  # at any time one in use and one on its way


def test_work_that_was_broken_off_begins_again_with_the_first_group() -> None:
    groups, tensors = groups_of(5)
    stream = WeightStream(groups, SlowLane(), slots=2)
    for i in range(3):
        stream.need(i)
        stream.done(i)
    stream.need(3)  # and then somebody cancels
    for i in range(5):
        stream.need(i)
        assert tensors[i].eq(i).all()
        stream.done(i)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_a_group_keeps_each_tensors_type_and_shape(dtype: torch.dtype) -> None:
    odd = [torch.arange(7.0).to(dtype), torch.ones(2, 3, 1), torch.tensor(3, dtype=torch.int64)]
    kept = [tensor.clone() for tensor in odd]
    group = Group(odd, HostLane().host)
    buffer = HostLane().empty(group.size_bytes + 1000)
    buffer[: group.size_bytes].copy_(group.home)
    for move in (lambda: group.place(buffer), group.forget):
        move()
        for tensor, known in zip(odd, kept, strict=True):
            assert (tensor.dtype, tensor.shape) == (known.dtype, known.shape)
            assert torch.equal(tensor.float(), known.float())


def test_what_is_written_to_a_weight_at_home_comes_with_it() -> None:
    groups, tensors = groups_of(3)
    stream = WeightStream(groups, HostLane(), slots=2)
    for i in range(3):
        stream.need(i)
        stream.done(i)
    stream.rest()
    tensors[1].fill_(7)  # as a LoRA does
    for i, expected in enumerate((0, 7, 2)):
        stream.need(i)
        assert tensors[i].eq(expected).all()
        stream.done(i)


def test_at_rest_nothing_is_left_on_the_device() -> None:
    groups, tensors = groups_of(3)
    stream = WeightStream(groups, HostLane(), slots=2)
    stream.need(0)
    stream.rest()
    assert [tensor.data_ptr() for tensor in tensors] == [group.home.data_ptr() for group in groups]
