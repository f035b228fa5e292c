from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.tiny import TINY
from tests.support.weights import save_model
from understudy_engine.errors import ModelUnknown, WeightsMismatch, WeightsMissing
from understudy_engine.weights.load import load_model
from understudy_engine.weights.lora_names import module_names
from understudy_engine.weights.mapping import Naming, transformer_names
from understudy_engine.weights.parts import LORAS
from understudy_engine.weights.sources import StandIn, WeightFolder


def change(path, edit) -> None:
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path)


@pytest.fixture
def saved(tmp_path):
    save_model(load_model(TINY, StandIn()), tmp_path)
    return tmp_path


@pytest.mark.parametrize("naming", Naming)
def test_a_saved_model_loads_to_the_last_bit_in_either_naming(naming, tmp_path):
    made = load_model(TINY, StandIn(salt=3))
    save_model(made, tmp_path, naming)
    read = load_model(TINY, WeightFolder(tmp_path))
    for name in ("transformer", "vae", "image_encoder"):
        ours, theirs = getattr(made, name).state_dict(), getattr(read, name).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert torch.equal(made.contexts.of(), read.contexts.of())


def test_shards_in_the_folder_itself_are_the_released_transformer(saved):
    tensors = load_file(saved / "transformer.safetensors")
    (saved / "transformer.safetensors").unlink()
    names = list(tensors)
    for i, half in enumerate((names[::2], names[1::2]), start=1):
        save_file(
            {name: tensors[name] for name in half},
            saved / f"diffusion_pytorch_model-0000{i}-of-00002.safetensors",
        )
    assert load_model(TINY, WeightFolder(saved)).transformer.spec is TINY.transformer


def test_blur_kernels_of_the_release_are_accepted(saved):
    kernels = transformer_names(TINY.transformer, TINY.face).unused
    assert len(kernels) == 2 * (len(TINY.face.channels) - 1)
    change(
        saved / "transformer.safetensors", lambda t: t.update({name: torch.ones(4, 4) for name in kernels})
    )
    load_model(TINY, WeightFolder(saved))


def test_a_missing_tensor_is_named(saved):
    change(saved / "vae.safetensors", lambda tensors: tensors.pop("decoder.conv1.bias"))
    with pytest.raises(WeightsMissing, match=r"vae lack 1 \(decoder.conv1.bias\)"):
        load_model(TINY, WeightFolder(saved))


def test_a_tensor_left_over_is_named(saved):
    change(saved / "transformer.safetensors", lambda t: t.update({"blocks.9.novelty": torch.ones(1)}))
    with pytest.raises(WeightsMismatch, match=r"transformer hold 1 \(blocks\.9\.novelty\)"):
        load_model(TINY, WeightFolder(saved))


def test_a_misshapen_tensor_is_named_with_both_shapes(saved):
    change(saved / "image_encoder.safetensors", lambda t: t.update({"patches.bias": torch.ones(9)}))
    with pytest.raises(WeightsMismatch, match=r"patches.bias is \(9,\) instead of \(8,\)"):
        load_model(TINY, WeightFolder(saved))


def test_another_model_is_told_from_a_damaged_one(saved):
    def forget_motion(tensors):
        for name in [name for name in tensors if name.startswith("motion_encoder.")]:
            tensors.pop(name)

    change(saved / "transformer.safetensors", forget_motion)
    with pytest.raises(ModelUnknown, match=r"Wan2\.1 image-to-video"):
        load_model(TINY, WeightFolder(saved))


def test_a_damaged_file_is_named(saved):
    whole = (saved / "vae.safetensors").read_bytes()
    (saved / "vae.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsMismatch, match=r"vae\.safetensors is damaged"):
        load_model(TINY, WeightFolder(saved))


def test_an_empty_folder_is_refused_with_what_was_expected(tmp_path):
    with pytest.raises(WeightsMissing, match=r"expected transformer\.safetensors"):
        load_model(TINY, WeightFolder(tmp_path))


def test_models_without_prompts_lead_away_from_the_default_context():
    parts = load_model(TINY, StandIn())
    assert parts.contexts.negative() is parts.contexts.of()
    assert not parts.loras.parts


@pytest.mark.parametrize("part", LORAS)
def test_a_lora_in_the_folder_comes_along_at_strength_0(saved, part):
    transformer = load_model(TINY, StandIn()).transformer
    (saved / part).mkdir()
    tensors = {}
    for original, ours in module_names(TINY.transformer).items():
        rows, columns = transformer.get_parameter(f"{ours}.weight").shape
        tensors[f"base_model.model.{original}.lora_A.weight"] = torch.ones(2, columns)
        tensors[f"base_model.model.{original}.lora_B.weight"] = torch.ones(rows, 2)
    save_file(tensors, saved / part / "adapter_model.safetensors")
    (saved / part / "adapter_config.json").write_text(json.dumps({"lora_alpha": 4}))
    parts = load_model(TINY, WeightFolder(saved))
    before = parts.transformer.blocks[0].ffn.up.weight.clone()
    assert parts.loras.parts == {part}
    parts.loras.set_strengths({part: 0.5})
    torch.testing.assert_close(parts.transformer.blocks[0].ffn.up.weight, before + 0.5 * (4 / 2) * 2)
