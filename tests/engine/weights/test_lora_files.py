"""LoRA files as trainers and ComfyUI's community spell them, and what their headers tell before anything is loaded."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.tiny import TINY
from tests.support.weights import pack_model, save_lora, save_model
from understudy_engine.errors import WeightsError
from understudy_engine.model.configs import NANO
from understudy_engine.weights.installed import PACKAGED
from understudy_engine.weights.load import load_model, transformer_filling
from understudy_engine.weights.lora import read_changes
from understudy_engine.weights.lora_files import LoraFacts, look_at_lora, lora_files, model_shapes
from understudy_engine.weights.lora_names import module_names
from understudy_engine.weights.mapping import BLOCK, Naming
from understudy_engine.weights.sources import StandIn

SPEC = TINY.transformer
DIFFUSERS = {row.original: row.diffusers for row in BLOCK}


def respelled(file: Path, spelling: str) -> dict[str, torch.Tensor]:
    """The tensors of a LoRA in the original's plain spelling, as others would have saved them."""

    def key(name: str) -> str:
        module, half = name.split(".lora_")
        block, number, inside = module.split(".", 2)
        kohya = {"A.weight": "lora_down.weight", "B.weight": "lora_up.weight"}[half]
        return {
            "ComfyUI": f"diffusion_model.{module}.{kohya}",
            "PEFT": f"base_model.model.{module}.lora_{half.replace('.', '.default.')}",
            "Diffusers": f"transformer.{block}.{number}.{DIFFUSERS[inside]}.lora_{half}",
            "kohya": f"lora_unet_{module.replace('.', '_')}.{kohya}",
            "VideoX-Fun": f"lora_unet__{module.replace('.', '_')}.{kohya}",
            "DiffSynth": f"pipe.dit.{module}.lora_{half.replace('.', '.default.')}",
            "a checkpoint": f"model.diffusion_model.{module}.lora_{half}",
        }[spelling]

    return {key(name): tensor for name, tensor in load_file(file).items()}


@pytest.mark.parametrize(
    "spelling", ["ComfyUI", "PEFT", "Diffusers", "kohya", "VideoX-Fun", "DiffSynth", "a checkpoint"]
)
def test_the_same_lora_in_any_spelling_changes_the_same(tmp_path: Path, spelling: str) -> None:
    plain = save_lora(TINY, tmp_path / "plain.safetensors", spelling="{}")
    net = transformer_filling(TINY, StandIn(), device=torch.device("cpu"), dtype=torch.float32).network
    expected, found = (
        read_changes("LoRA", tensors, net) for tensors in (load_file(plain), respelled(plain, spelling))
    )
    assert found.keys() == expected.keys() == {f"{name}.weight" for name in module_names(SPEC).values()}
    for name, change in found.items():
        for half in ("up", "down"):
            assert torch.equal(getattr(change, half), getattr(expected[name], half))


@pytest.mark.parametrize("naming", Naming)
def test_a_header_tells_rank_and_size_and_is_held_against_the_models(tmp_path: Path, naming: Naming) -> None:
    save_model(load_model(TINY, StandIn()), tmp_path, naming)
    shapes = model_shapes(SPEC, [tmp_path / "transformer.safetensors"])
    assert shapes is not None
    assert shapes["blocks.0.ffn.0.weight"] == (32, 16)
    assert shapes["face_adapter.fuser_blocks.0.linear1_kv.weight"] == (32, 16)  # Diffusers has it in two
    file = save_lora(TINY, tmp_path / "anna.safetensors")
    assert look_at_lora("LoRA 'anna'", file, SPEC, shapes) == LoraFacts(2, file.stat().st_size)
    wide = save_lora(replace(TINY, transformer=replace(SPEC, dim=32)), tmp_path / "wide.safetensors")
    with pytest.raises(WeightsError, match=r"^The LoRA 'wide' has .*another model"):
        look_at_lora("LoRA 'wide'", wide, SPEC, shapes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"blocks.7.ffn.0.diff": torch.ones(3)},
            "1 modules that this model does not have, first blocks.7.ffn.0",
        ),
        ({"blocks.0.ffn.0.lora_A.weight": None}, "lacks 1 of 24 modules, first blocks.0.ffn.0"),
        ({"blocks.0.ffn.0.dora_scale": torch.ones(3)}, "dora_scale, which is no tensor of a LoRA"),
        ({"blocks.0.ffn.0.diff_b": torch.ones(32, dtype=torch.int32)}, "diff_b as I32, which is not read"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_from_its_header(
    tmp_path: Path, change: dict[str, torch.Tensor | None], words: str
) -> None:
    tensors = load_file(save_lora(TINY, tmp_path / "anna.safetensors", spelling="{}"))
    left = {name: tensor for name, tensor in {**tensors, **change}.items() if tensor is not None}
    save_file(left, tmp_path / "anna.safetensors")
    with pytest.raises(WeightsError, match=f"^The LoRA 'anna' .*{words}"):
        look_at_lora("LoRA 'anna'", tmp_path / "anna.safetensors", SPEC, None)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2, 16]},
        {"dtype": "F32", "shape": [1 << 40, 16], "data_offsets": [0, 128]},
        {"dtype": "F32", "shape": [-2, -16], "data_offsets": [0, 128]},
        {"dtype": ["F32"], "shape": [2, 16], "data_offsets": [0, 128]},
        {"dtype": "F32", "shape": ["2", 16], "data_offsets": [0, 128]},
        {"dtype": "F32", "shape": 32, "data_offsets": [0, 128]},
    ],
)
def test_a_header_that_lies_is_refused_by_name(tmp_path: Path, entry: dict[str, object]) -> None:
    halves = {half: {**entry} for half in ("A", "B")}
    header = json.dumps(
        {f"blocks.0.ffn.0.lora_{half}.weight": told for half, told in halves.items()}
    ).encode()
    file = tmp_path / "odd.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(128))
    with pytest.raises(WeightsError, match=r"damaged"):
        look_at_lora("LoRA 'odd'", file, SPEC, None)


def test_nano_takes_its_own_loras_and_none_of_another_width(tmp_path: Path) -> None:
    folder = PACKAGED[NANO.name]
    shapes = model_shapes(NANO.transformer, [folder / "transformer.safetensors"])
    assert look_at_lora("LoRA", folder / "four_step_lora.safetensors", NANO.transformer, shapes).rank == 4
    other = pack_model(TINY, tmp_path) / "four_step_lora.safetensors"
    with pytest.raises(WeightsError, match="another model"):
        look_at_lora("LoRA", other, NANO.transformer, shapes)


def test_files_are_found_by_the_names_that_artists_see(tmp_path: Path) -> None:
    names = ("b", "looks/film.v2", "a")
    for name in (*names, ".hidden", "looks/.part", "turned\u202eround"):
        save_lora(TINY, tmp_path / f"{name}.safetensors")
    (tmp_path / "note.txt").write_text("no LoRA")
    assert list(lora_files(tmp_path)) == sorted(names)
    assert lora_files(tmp_path / "nowhere") == {}
