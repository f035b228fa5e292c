from __future__ import annotations

import pytest
import torch

from tests.support.tiny import TINY
from understudy_engine.errors import WeightsError, WeightsMismatch, WeightsMissing
from understudy_engine.model.configs import WAN_ANIMATE_14B
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.weights.load import transformer_filling
from understudy_engine.weights.lora import Loras, adapter_alpha, parse_lora
from understudy_engine.weights.lora_names import module_names
from understudy_engine.weights.parts import LORAS, Part
from understudy_engine.weights.sources import StandIn

MODULE = "blocks.1.cross_attn.k_img"
RELIGHTING, FOUR_STEP = Part.RELIGHTING_LORA, Part.FOUR_STEP_LORA


@pytest.fixture
def filled():
    return transformer_filling(TINY, StandIn(), device=torch.device("cpu"), dtype=torch.bfloat16)


@pytest.fixture
def transformer(filled):
    return filled.network


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


def test_strengths_never_accumulate_and_0_gives_the_base_back_to_the_bit(filled, transformer, tensors):
    pristine = {name: tensor.clone() for name, tensor in transformer.state_dict().items()}
    loras = Loras(filled, {RELIGHTING: parse_lora(tensors, transformer)})
    weight = transformer.blocks[0].ffn.down.weight
    loras.set_strengths({RELIGHTING: 1.0})
    once = weight.clone()
    for strength in (0.3, 0.9, 1.0):
        loras.set_strengths({RELIGHTING: strength})
    assert torch.equal(weight, once)
    loras.set_strengths({RELIGHTING: 0.0})
    assert all(torch.equal(tensor, pristine[name]) for name, tensor in transformer.state_dict().items())


def test_a_merge_that_was_left_is_put_right_by_the_next_one(filled, transformer, tensors):
    pristine = {name: tensor.clone() for name, tensor in transformer.state_dict().items()}
    loras = Loras(filled, {RELIGHTING: parse_lora(tensors, transformer)})
    asked = []

    def stop():
        asked.append(1)
        if len(asked) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        loras.set_strengths({RELIGHTING: 1.0}, between=stop)
    changed = [
        name for name, tensor in transformer.state_dict().items() if not torch.equal(tensor, pristine[name])
    ]
    assert 0 < len(changed) < len(module_names(TINY.transformer))
    loras.set_strengths({RELIGHTING: 0.0})
    assert all(torch.equal(tensor, pristine[name]) for name, tensor in transformer.state_dict().items())


def test_the_merge_is_computed_in_float32(filled, transformer, tensors):
    base = StandIn().read(Part.TRANSFORMER, "blocks.0.ffn.0.weight", (32, 16))
    loras = Loras(filled, {RELIGHTING: parse_lora(tensors, transformer, alpha=6)})
    loras.set_strengths({RELIGHTING: 0.5})
    up, down = tensors["blocks.0.ffn.0.lora_B.weight"], tensors["blocks.0.ffn.0.lora_A.weight"]
    expected = (base + 0.5 * (6 / 3) * (up @ down)).bfloat16()
    assert torch.equal(transformer.blocks[0].ffn.up.weight, expected)


def test_two_loras_add_up_from_the_pristine_weights_in_whatever_order_they_came(filled, transformer, tensors):
    other = {name: torch.randn_like(tensor) for name, tensor in tensors.items()}
    pairs = {
        RELIGHTING: parse_lora(tensors, transformer),
        FOUR_STEP: parse_lora(other, transformer, FOUR_STEP),
    }
    weight, name = transformer.blocks[0].ffn.up.weight, "blocks.0.ffn.0.lora_{}.weight"
    lit, quick = (made[name.format("B")] @ made[name.format("A")] for made in (tensors, other))
    expected = (weight.float() + 0.5 * lit + quick).bfloat16()
    pristine = weight.clone()
    loras = Loras(filled, pairs)
    ways = ([{RELIGHTING: 1.0}, {}], [{FOUR_STEP: 1.0}], [{RELIGHTING: 0.5}, {FOUR_STEP: 0.3}])
    found = []
    for way in ways:
        for strengths in (*way, {FOUR_STEP: 1.0, RELIGHTING: 0.5}):
            loras.set_strengths(strengths)
        found.append(weight.clone())
    assert all(torch.equal(merged, found[0]) for merged in found)
    torch.testing.assert_close(found[0], expected, atol=2**-7, rtol=2**-7)
    loras.set_strengths({})
    assert torch.equal(weight, pristine)


def test_a_lora_that_is_not_there_is_passed_over(filled, transformer, tensors):
    weight = transformer.blocks[0].ffn.up.weight
    pristine = weight.clone()
    Loras(filled, {}).set_strengths({RELIGHTING: 1.0})
    loras = Loras(filled, {RELIGHTING: parse_lora(tensors, transformer)})
    loras.set_strengths({FOUR_STEP: 1.0})
    assert torch.equal(weight, pristine)


@pytest.mark.parametrize("part", LORAS)
def test_what_is_wrong_with_a_lora_is_said_of_the_right_one(transformer, tensors, part):
    half = f"{MODULE}.lora_B.weight"
    whole = {name: tensor for name, tensor in tensors.items() if name != half}
    for broken in (
        whole,
        tensors | {"text.lora_A.weight": torch.ones(3, 16)},
        tensors | {half: torch.ones(5, 3)},
    ):
        with pytest.raises(WeightsError, match=f"^The {LORAS[part]}"):
            parse_lora(broken, transformer, part)


def test_an_alpha_in_the_file_counts_for_its_module(transformer, tensors):
    pairs = parse_lora(tensors | {f"{MODULE}.alpha": torch.tensor(1.5)}, transformer)
    assert pairs[f"{module_names(TINY.transformer)[MODULE]}.weight"].scale == 0.5
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


def step_distilled(transformer):
    """As LightX2V's files: no image keys, embeddings too, and differences of biases, norms, convolutions and
    modulations (kijai/ComfyUI-WanVideoWrapper#807 lists the keys of the one for image to video)."""
    names = {
        original: ours for original, ours in module_names(TINY.transformer).items() if "_img" not in original
    }
    names |= {"text_embedding.0": "text_embedding.up", "head.head": "head.proj"}
    made, prefix = {}, "diffusion_model"
    for original, ours in names.items():
        rows, columns = transformer.get_parameter(f"{ours}.weight").shape
        made[f"{prefix}.{original}.lora_down.weight"] = torch.randn(3, columns)
        made[f"{prefix}.{original}.lora_up.weight"] = torch.randn(rows, 3)
        made[f"{prefix}.{original}.alpha"] = torch.tensor(6.0)
        made[f"{prefix}.{original}.diff_b"] = torch.randn(rows)
    made[f"{prefix}.blocks.0.norm3.diff"] = torch.randn(16)
    made[f"{prefix}.patch_embedding.diff"] = torch.randn(16, 36, 1, 2, 2)
    made[f"{prefix}.blocks.1.modulation.diff"] = torch.randn(1, 6, 16)
    made[f"{prefix}.blocks.0.diff_m"] = torch.randn(1, 6, 16)
    made[f"{prefix}.head.diff_m"] = torch.randn(1, 2, 16)
    return made


def test_a_step_distilled_lora_changes_biases_norms_and_embeddings_too(filled, transformer):
    made = step_distilled(transformer)
    changes = parse_lora(made, transformer, FOUR_STEP)
    loras = Loras(filled, {FOUR_STEP: changes})
    pristine = {name: tensor.clone() for name, tensor in transformer.state_dict().items()}
    loras.set_strengths({FOUR_STEP: 0.5})
    now, key = transformer.state_dict(), "diffusion_model.blocks.0.ffn.0"
    assert {name for name in now if not torch.equal(now[name], pristine[name])} == changes.keys()
    added = 0.5 * 2 * made[f"{key}.lora_up.weight"] @ made[f"{key}.lora_down.weight"]
    moved = now["blocks.0.ffn.up.weight"].float() - pristine["blocks.0.ffn.up.weight"].float()
    torch.testing.assert_close(moved, added, atol=0.06, rtol=0.02)
    expected = pristine["blocks.0.cross_norm.weight"] + 0.5 * made["diffusion_model.blocks.0.norm3.diff"]
    torch.testing.assert_close(now["blocks.0.cross_norm.weight"], expected)
    loras.set_strengths({})
    assert all(torch.equal(tensor, pristine[name]) for name, tensor in transformer.state_dict().items())


def test_a_difference_of_another_shape_is_refused(transformer):
    made = step_distilled(transformer) | {"diffusion_model.patch_embedding.diff": torch.ones(16, 16, 1, 2, 2)}
    with pytest.raises(WeightsMismatch, match=r"patch_embedding.*\(16, 16, 1, 2, 2\).*\(16, 36, 1, 2, 2\)"):
        parse_lora(made, transformer, FOUR_STEP)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"alpha": torch.ones(2)}, f"{MODULE} has 2 alphas instead of one"),
        ({"alpha": torch.tensor(torch.nan)}, f"{MODULE} has an alpha that is no number"),
        ({"lora_A.weight": torch.ones(())}, rf"has {MODULE} as \(16, 3\) x \(\)"),
        (
            {"lora_A.weight": torch.ones(0, 8), "lora_B.weight": torch.ones(16, 0)},
            rf"{MODULE} as \(16, 0\) x \(0, 8",
        ),
        ({"dora_scale": torch.ones(16, 1)}, "dora_scale, which is no tensor of a LoRA"),
    ],
)
def test_nonsense_in_a_lora_is_named(transformer, tensors, changed, told):
    with pytest.raises(WeightsMismatch, match=told):
        parse_lora(tensors | {f"{MODULE}.{leaf}": tensor for leaf, tensor in changed.items()}, transformer)


def test_what_peft_was_told_is_read_or_refused_and_never_passed_over():
    released = {"lora_alpha": 128, "r": 128, "use_rslora": False, "alpha_pattern": {}, "rank_pattern": {}}
    assert adapter_alpha("LoRA", released) == 128
    assert adapter_alpha("LoRA", {}) is None
    for asked in ({"use_rslora": True}, {"use_dora": True}, {"alpha_pattern": {"ffn.0": 8}}):
        with pytest.raises(
            WeightsMismatch, match=rf"adapter_config\.json has {next(iter(asked))}, which is not read"
        ):
            adapter_alpha("LoRA", released | asked)
    with pytest.raises(WeightsMismatch, match="an alpha that is no number"):
        adapter_alpha("LoRA", {"lora_alpha": "much"})


def test_strengths_change_where_the_weights_are_now(filled, transformer, tensors):
    """Weights that are streamed lie elsewhere than where they were first filled."""
    loras = Loras(filled, {RELIGHTING: parse_lora(tensors, transformer)})
    weight = transformer.blocks[0].ffn.up.weight
    elsewhere = weight.data.clone()
    weight.data = elsewhere
    before = elsewhere.clone()
    loras.set_strengths({RELIGHTING: 1.0})
    assert not torch.equal(elsewhere, before)


@pytest.fixture(scope="module")
def released():
    """The released transformer, without memory."""
    with torch.device("meta"):
        return WanAnimateTransformer(WAN_ANIMATE_14B.transformer, WAN_ANIMATE_14B.face)


def halves_of(net, rank, spelling):
    with torch.device("meta"):
        made = {}
        for original, ours in module_names(net.spec).items():
            rows, columns = net.get_parameter(f"{ours}.weight").shape
            made[spelling.format(original, "lora_A")] = torch.empty(rank, columns)
            made[spelling.format(original, "lora_B")] = torch.empty(rows, rank)
        return made


def test_the_released_relighting_lora_has_the_numbers_that_are_known_of_it(released):
    tensors = halves_of(released, 128, "base_model.model.{}.{}.weight")
    assert len(tensors) == 960
    assert sum(tensor.numel() for tensor in tensors.values()) == 718_274_560
    changes = parse_lora(tensors, released, alpha=128)
    assert {change.scale for change in changes.values()} == {1.0}


@pytest.mark.parametrize("rank", [32, 64, 128])
def test_step_distilled_loras_of_every_rank_fit_the_released_model(released, rank):
    tensors = {
        name.replace("lora_A", "lora_down").replace("lora_B", "lora_up"): tensor
        for name, tensor in halves_of(released, rank, "diffusion_model.{}.{}.weight").items()
    }
    alphas = {f"diffusion_model.{name}.alpha": torch.tensor(rank / 2) for name in module_names(released.spec)}
    changes = parse_lora(tensors | alphas, released, FOUR_STEP)
    assert len(changes) == 480
    assert {change.scale for change in changes.values()} == {0.5}
