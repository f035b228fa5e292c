from __future__ import annotations

import torch
from torch import Tensor

from tests.support.tiny import TINY
from understudy_engine.bench.random_model import random_segment, random_transformer
from understudy_engine.model.eight_bit import IN_BLOCKS, IN_FACE_ADAPTERS, with_int8_linears
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.types import FrameSize

CPU = torch.device("cpu")


@torch.no_grad()
def velocity(net: WanAnimateTransformer) -> Tensor:
    x, given = random_segment(TINY, TINY.segment_frames, FrameSize(64, 48), CPU)
    made: Tensor = net(x, torch.tensor([500.0]), net.prepare(**given))
    return made


def test_a_forward_in_int8_is_within_three_percent_of_float32() -> None:
    expected = velocity(random_transformer(TINY, torch.float32, CPU))
    made = velocity(with_int8_linears(random_transformer(TINY, torch.bfloat16, CPU)))
    error = float((made - expected).norm() / expected.norm())
    assert 0 < error < 0.03


def test_what_steps_multiply_tokens_by_is_in_int8_and_nothing_else() -> None:
    before = random_transformer(TINY, torch.bfloat16, CPU).state_dict()
    after = with_int8_linears(random_transformer(TINY, torch.bfloat16, CPU)).state_dict()
    layers = {f"blocks.{i}.{name}" for i in range(TINY.transformer.layers) for name in IN_BLOCKS}
    layers |= {
        f"face_adapters.{i}.{name}"
        for i in range(TINY.transformer.face_adapters)
        for name in IN_FACE_ADAPTERS
    }
    assert set(after) - set(before) == {f"{layer}.scale" for layer in layers}
    assert not set(before) - set(after)
    eight = {name.removesuffix(".weight") for name, tensor in after.items() if tensor.dtype == torch.int8}
    assert eight == layers
    others = [name for name in before if name.rpartition(".")[0] not in layers]
    assert all(torch.equal(before[name], after[name]) for name in others)


def test_a_network_without_weights_gets_the_same_names() -> None:
    with torch.device("meta"):
        net = with_int8_linears(WanAnimateTransformer(TINY.transformer, TINY.face))
    filled = with_int8_linears(random_transformer(TINY, torch.bfloat16, CPU)).state_dict()
    assert {name: tensor.shape for name, tensor in net.state_dict().items()} == {
        name: tensor.shape for name, tensor in filled.items()
    }
    assert all(tensor.is_meta for tensor in net.state_dict().values())
