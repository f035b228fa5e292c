"""However a model is fitted in, it computes the same numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.engine.offload.at_home import NothingAtHome
from tests.support.segments import conditions, noise
from tests.support.tiny import TINY
from understudy_engine.errors import OutOfMemory
from understudy_engine.memory_plans import MemoryPlan, Precision
from understudy_engine.model.configs import ModelSpec
from understudy_engine.offload.fit import Fitting
from understudy_engine.offload.units import key_units, step_units
from understudy_engine.weights.load import load_image_encoder, load_transformer, load_vae
from understudy_engine.weights.sources import StandIn

CPU = torch.device("cpu")
DEEPER = replace(TINY, transformer=replace(TINY.transformer, layers=6))
WHOLE = MemoryPlan(precision=Precision.BF16, blocks=6, span_tokens=None)
LEAN = replace(WHOLE, streams_keys=True, has_visitors=True, keeps_base=False, span_tokens=13, vae_stripes=2)


def fitted(plan: MemoryPlan, spec: ModelSpec = DEEPER) -> Fitting:
    source, dtype = StandIn(), torch.float32
    transformer = load_transformer(spec, source, device=CPU, dtype=dtype)
    image_encoder = load_image_encoder(spec.image, source, device=CPU, dtype=dtype)
    return Fitting(transformer, load_vae(spec, source, device=CPU), image_encoder, CPU, plan)


@torch.inference_mode()
def velocities(fitting: Fitting, steps: int = 2) -> list[torch.Tensor]:
    net = fitting.transformer
    torch.manual_seed(0)
    x, made = noise(DEEPER), []
    with fitting.on(net):
        inputs = net.prepare(**conditions(DEEPER))
        for step in range(steps):
            made.append(net(x, torch.tensor([900.0 - step]), inputs))
    return made


@pytest.mark.parametrize("streamed", [0, 1, 4, 6])
@pytest.mark.parametrize("slots", [2, 3])
def test_streamed_blocks_compute_what_resident_ones_do(streamed: int, slots: int) -> None:
    expected = velocities(fitted(WHOLE))
    made = velocities(fitted(replace(LEAN, streamed_blocks=streamed, slots=slots)))
    torch.testing.assert_close(made, expected, atol=2e-6, rtol=1e-5)


def test_weights_that_leave_the_device_later_change_nothing() -> None:
    fitting = fitted(WHOLE)
    fitting.arrange(replace(LEAN, streamed_blocks=1))
    expected = velocities(fitting)
    for streamed in (2, 5, 4):
        fitting.arrange(replace(LEAN, streamed_blocks=streamed))
        with NothingAtHome(fitting):
            made = velocities(fitting)
        assert all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))


@pytest.mark.parametrize("streamed", [0, 3, 6])
def test_nothing_computes_with_a_weight_that_is_at_home(streamed: int) -> None:
    fitting = fitted(replace(LEAN, streamed_blocks=streamed))
    with NothingAtHome(fitting):
        velocities(fitting)
        with torch.inference_mode(), fitting.on(fitting._vae):
            fitting._vae.decode(fitting._vae.encode(torch.zeros(1, 3, 5, 64, 16)))


PREPARED = 6 + 2 + 3  # pieces in which keys are made: a block, up to eight faces, an adapter


@pytest.mark.parametrize(("span_tokens", "spans"), [(None, 0), (6, 4), (13, 2)])
def test_in_each_block_it_is_asked_around_attention_and_before_the_rest_of_every_span(
    span_tokens: int | None, spans: int
) -> None:
    fitting, asked = fitted(replace(WHOLE, span_tokens=span_tokens)), []
    fitting.ask = lambda: asked.append(1)
    velocities(fitting, steps=2)
    block = 3 * spans + 1 if spans else 4
    assert len(asked) == PREPARED + 2 * 6 * block


def test_torchs_own_attention_is_left_between_some_queries_and_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitting, asked = fitted(WHOLE), []
    expected = velocities(fitting, steps=1)
    monkeypatch.setattr("understudy_engine.model.blocks.QUERIES_AT_ONCE", 7)  # of 24
    fitting.ask = lambda: asked.append(1)
    torch.testing.assert_close(velocities(fitting, steps=1), expected, atol=2e-6, rtol=1e-5)
    assert len(asked) == PREPARED + 6 * (4 + 3)


def test_a_step_in_which_it_is_stopped_ends_within_that_block() -> None:
    fitting, pieces = fitted(replace(LEAN, streamed_blocks=4)), []
    block = 3 * 2 + 1

    def stop() -> None:
        pieces.append(1)
        if len(pieces) == PREPARED + 6 * block + 3 * block + 2:  # a step; three blocks and a bit of the next
            raise InterruptedError

    expected = velocities(fitting)
    fitting.ask = stop
    with pytest.raises(InterruptedError):
        velocities(fitting)
    fitting.ask = lambda: None
    assert all(torch.equal(a, b) for a, b in zip(velocities(fitting), expected, strict=True))


@pytest.mark.parametrize("buffers", [7, 16])  # among the blocks, and among those who visit
def test_where_the_machine_has_no_room_for_all_nothing_is_lost(
    buffers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = velocities(fitted(WHOLE))
    fitting, given = fitted(WHOLE), []

    def host(size_bytes: int) -> torch.Tensor:
        given.append(size_bytes)
        if len(given) > buffers:
            raise OutOfMemory("no more")
        return torch.empty(size_bytes, dtype=torch.uint8)

    monkeypatch.setattr(fitting._lane, "host", host)
    with pytest.raises(OutOfMemory):
        fitting.arrange(replace(LEAN, streamed_blocks=6))
    assert fitting.plan == WHOLE
    assert_made_with_nothing_at_home(fitting, expected)
    monkeypatch.undo()
    fitting.arrange(replace(LEAN, streamed_blocks=6, span_tokens=None))
    assert_made_with_nothing_at_home(fitting, expected)


def test_an_arrangement_can_be_left_between_two_blocks() -> None:
    expected = velocities(fitted(WHOLE))
    fitting, blocks = fitted(WHOLE), []

    def stop() -> None:
        blocks.append(1)
        if len(blocks) == 4:
            raise InterruptedError

    fitting.ask = stop
    with pytest.raises(InterruptedError):
        fitting.arrange(replace(LEAN, streamed_blocks=6))
    fitting.ask = lambda: None
    assert len(fitting._groups) == 4
    assert_made_with_nothing_at_home(fitting, expected)


def assert_made_with_nothing_at_home(fitting: Fitting, expected: list[torch.Tensor]) -> None:
    with NothingAtHome(fitting):
        made = velocities(fitting)
    assert all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))


def test_further_segments_take_no_more_of_the_machines_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    fitting = fitted(replace(LEAN, streamed_blocks=4))
    taken = fitting.host_bytes
    monkeypatch.setattr(fitting._lane, "host", lambda size_bytes: pytest.fail("another buffer"))
    for streamed in (4, 2):  # of further jobs
        velocities(fitting, steps=1)
        fitting.arrange(replace(LEAN, streamed_blocks=streamed))
    assert fitting.host_bytes == taken > 0


def test_every_weight_of_a_block_is_in_one_unit() -> None:
    net = fitted(WHOLE).transformer
    units = [*step_units(net), *key_units(net)]
    named = [id(tensor) for unit in units for tensor in unit.tensors]
    inside = [id(tensor) for part in (*net.blocks, *net.face_adapters) for tensor in part.parameters()]
    assert sorted(named) == sorted(inside)


def test_the_weights_that_make_keys_are_a_quarter_and_do_not_come_in_steps() -> None:
    net = fitted(WHOLE).transformer
    names = {id(tensor): name for name, tensor in net.named_parameters()}
    keys = {names[id(tensor)] for unit in key_units(net) for tensor in unit.tensors}
    assert "blocks.0.cross_attention.v_image.weight" in keys
    assert "face_adapters.1.kv.weight" in keys
    assert not any("self_attention" in name or ".q" in name for name in keys)
