from __future__ import annotations

import pytest
import torch

from tests.support.tiny import TINY
from understudy_engine.errors import WeightsMismatch, WeightsMissing
from understudy_engine.weights.load import load_transformer
from understudy_engine.weights.lora import Relighting, module_names, parse_lora
from understudy_engine.weights.sources import StandIn

MODULE = "blocks.1.cross_attn.k_img"


@pytest.fixture
def transformer():
    return load_transformer(TINY, StandIn(), device=torch.device("cpu"), dtype=torch.bfloat16)


@pytest.fixture
def tensors(transformer):
    made = {}
    for original, ours in module_names(TINY.transformer).items():
        rows, columns = transformer.get_parameter(f"{ours}.weight").shape
        made[f"{original}.lora_A.weight"] = torch.randn(3, columns)
        made[f"{original}.lora_B.weight"] = torch.randn(rows, 3)
    return made


def test_every_linear_layer_of_a_block_is_changed(transformer):
    linears = {
        name for name, module in transformer.blocks.named_modules() if isinstance(module, torch.nn.Linear)
    }
    assert {f"blocks.{name}" for name in linears} == set(module_names(TINY.transformer).values())


def test_strengths_never_accumulate_and_0_gives_the_base_back_to_the_bit(transformer, tensors):
    pristine = {name: tensor.clone() for name, tensor in transformer.state_dict().items()}
    relighting = Relighting(transformer, parse_lora(tensors, transformer))
    weight = transformer.blocks[0].ffn.down.weight
    relighting.set_strength(1.0)
    once = weight.clone()
    for strength in (0.3, 0.9, 1.0):
        relighting.set_strength(strength)
    assert torch.equal(weight, once)
    relighting.set_strength(0.0)
    assert all(torch.equal(tensor, pristine[name]) for name, tensor in transformer.state_dict().items())


def test_the_merge_is_computed_in_float32(transformer, tensors):
    base = transformer.blocks[0].ffn.up.weight.clone()
    relighting = Relighting(transformer, parse_lora(tensors, transformer, alpha=6))
    relighting.set_strength(0.5)
    up, down = tensors["blocks.0.ffn.0.lora_B.weight"], tensors["blocks.0.ffn.0.lora_A.weight"]
    expected = (base.float() + 0.5 * (6 / 3) * (up @ down)).bfloat16()
    assert torch.equal(transformer.blocks[0].ffn.up.weight, expected)


def test_an_alpha_in_the_file_counts_for_its_module(transformer, tensors):
    pairs = parse_lora(tensors | {f"{MODULE}.alpha": torch.tensor(1.5)}, transformer)
    assert pairs[module_names(TINY.transformer)[MODULE]].scale == 0.5
    assert sum(pair.scale == 1 for pair in pairs.values()) == len(pairs) - 1


def test_a_missing_half_is_named(transformer, tensors):
    del tensors[f"{MODULE}.lora_B.weight"]
    with pytest.raises(WeightsMissing, match=f"lacks 1 of 24 modules, first {MODULE}"):
        parse_lora(tensors, transformer)


@pytest.mark.parametrize(
    "name", ["blocks.7.ffn.0.lora_A.weight", "blocks.0.face.lora_A.weight", "text.lora_A.weight"]
)
def test_what_belongs_to_no_module_is_refused(transformer, tensors, name):
    with pytest.raises(WeightsMismatch, match=name.split(".lora")[0]):
        parse_lora(tensors | {name: torch.ones(3, 16)}, transformer)


def test_a_pair_of_another_shape_is_refused_with_the_shapes(transformer, tensors):
    with pytest.raises(WeightsMismatch, match=r"\(16, 3\) x \(3, 9\).*\(16, 16\)"):
        parse_lora(tensors | {f"{MODULE}.lora_A.weight": torch.ones(3, 9)}, transformer)
