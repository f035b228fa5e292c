"""Every layout that the model is found in: opened by what it holds, equal to the last bit, and no other model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tests.golden_cases import stored
from tests.support import releases
from tests.support.releases import (
    CLIP_FILE,
    TEXT_FILE,
    VAE_FILE,
    WHOLE,
    said,
    write_diffusers,
    write_original,
    write_single_files,
)
from understudy_engine.errors import ModelUnknown, WeightsMismatch, WeightsMissing
from understudy_engine.weights.folder import part_files
from understudy_engine.weights.hashes import file_hash, write_hashes
from understudy_engine.weights.load import ModelParts, load_model
from understudy_engine.weights.parts import Part
from understudy_engine.weights.recognise import is_lora, other_model, part_of
from understudy_engine.weights.sources import StandIn, WeightFolder

PICKLES = (VAE_FILE, CLIP_FILE, TEXT_FILE, "relighting_lora.ckpt")
GOLDEN = Path(__file__).parents[2] / "data" / "golden"


@pytest.fixture(scope="module")
def truth() -> ModelParts:
    return load_model(WHOLE, StandIn())


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_original(tmp_path_factory.mktemp("weights") / "original")
    write_hashes(folder, PICKLES)
    return folder


def same(found: nn.Module, wanted: nn.Module, *, rounded: bool) -> None:
    """To the last bit, as far as the file's own precision goes."""
    theirs, ours = wanted.state_dict(), found.state_dict()
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        expected = theirs[name].bfloat16().float() if rounded else theirs[name]
        assert torch.equal(tensor.float(), expected), name


def same_model(found: ModelParts, truth: ModelParts) -> None:
    same(found.transformer, truth.transformer, rounded=True)
    same(found.vae, truth.vae, rounded=False)
    same(found.image_encoder, truth.image_encoder, rounded=False)


def test_the_original_release_opens_pickles_shards_and_lora(original: Path, truth: ModelParts) -> None:
    found = load_model(WHOLE, WeightFolder(original))
    same_model(found, truth)
    assert found.loras.parts == {Part.RELIGHTING_LORA}
    assert found.contexts.of("a dancer").shape[1] == WHOLE.transformer.text_dim


def test_a_diffusers_folder_in_float32_is_the_same_model(
    tmp_path: Path, original: Path, truth: ModelParts
) -> None:
    found = load_model(WHOLE, WeightFolder(write_diffusers(tmp_path / "diffusers")))
    same_model(found, truth)
    release = WeightFolder(original)
    assert torch.equal(found.contexts.of("a dancer"), load_model(WHOLE, release).contexts.of("a dancer"))


@pytest.mark.parametrize("prefix", ["model.diffusion_model.", "diffusion_model.", ""])
def test_single_files_of_any_name_are_told_by_what_they_hold(
    tmp_path: Path, truth: ModelParts, prefix: str
) -> None:
    found = load_model(WHOLE, WeightFolder(write_single_files(tmp_path / "comfy", prefix=prefix)))
    same_model(found, truth)
    assert found.loras.parts == {Part.FOUR_STEP_LORA}


def test_scaled_fp8_files_are_read_with_their_scales(tmp_path: Path, truth: ModelParts) -> None:
    found = load_model(WHOLE, WeightFolder(write_single_files(tmp_path / "comfy", fp8=True)))
    file = releases.scaled(releases.transformer())
    expected = file["blocks.0.ffn.0.weight"].float() * file["blocks.0.ffn.0.scale_weight"]
    assert torch.equal(found.transformer.blocks[0].ffn.up.weight, expected)
    same(found.transformer.face_encoder, truth.transformer.face_encoder, rounded=True)


@pytest.mark.parametrize("leaf", ["weight_scale", "scale"])
def test_other_spellings_of_scales_are_known(tmp_path: Path, leaf: str) -> None:
    folder = write_single_files(tmp_path / "comfy", fp8=True, prefix="")
    file = folder / "diffusion_models" / "a.safetensors"
    tensors = {name.replace("scale_weight", leaf): tensor for name, tensor in load_file(file).items()}
    save_file(tensors | {"blocks.0.ffn.0.comfy_quant": said({"format": "float8_e4m3fn"})}, file)
    read = WeightFolder(folder).read(Part.TRANSFORMER, "blocks.0.ffn.0.weight", ())
    assert torch.equal(read, tensors["blocks.0.ffn.0.weight"].float() * tensors[f"blocks.0.ffn.0.{leaf}"])


def test_a_pickle_of_unknown_hash_is_not_opened(tmp_path: Path) -> None:
    folder = write_original(tmp_path / "original")
    found = file_hash(folder / VAE_FILE).sha256
    with pytest.raises(WeightsMismatch, match=rf"is a pickle, which can run programs.*--sha256 {found}"):
        WeightFolder(folder).shapes(Part.VAE)
    assert WeightFolder(folder, trusted=[found]).shapes(Part.VAE)


def test_a_pickle_that_runs_a_program_does_not(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "harmed",))  # type: ignore[return-value]

    torch.save({"harm": Harm()}, tmp_path / VAE_FILE)
    found = file_hash(tmp_path / VAE_FILE).sha256
    with pytest.raises(WeightsMismatch, match="holds more than tensors"):
        WeightFolder(tmp_path, trusted=[found]).shapes(Part.VAE)
    assert not (tmp_path / "harmed").exists()


def test_a_pickle_that_was_altered_since_it_was_pulled_is_named(tmp_path: Path) -> None:
    folder = write_original(tmp_path / "original")
    write_hashes(folder, PICKLES)
    torch.save({}, folder / VAE_FILE)
    with pytest.raises(WeightsMismatch, match=VAE_FILE):
        load_model(WHOLE, WeightFolder(folder))


def test_a_missing_shard_is_named_by_its_file(tmp_path: Path) -> None:
    folder = write_original(tmp_path / "original")
    (folder / "diffusion_pytorch_model-00003-of-00004.safetensors").unlink()
    with pytest.raises(WeightsMissing, match=r"00003-of-00004\.safetensors is missing.*1 of 4 files"):
        load_model(WHOLE, WeightFolder(folder))


def test_two_files_that_could_be_the_model_are_asked_about(tmp_path: Path) -> None:
    folder = write_single_files(tmp_path / "comfy")
    file = folder / "diffusion_models" / "a.safetensors"
    (folder / "unet").mkdir()
    (folder / "unet" / "z.safetensors").hardlink_to(file)
    with pytest.raises(WeightsMismatch, match=r"several files.*a\.safetensors, z\.safetensors"):
        part_files(folder, Part.TRANSFORMER)
    named = WeightFolder(folder, named={Part.TRANSFORMER: file})
    assert named.files(Part.TRANSFORMER) == [file]


@pytest.mark.parametrize(("kind", "told"), [(torch.int16, "I16"), (torch.int8, "int8 without a scale")])
def test_numbers_of_a_kind_that_is_not_read_are_named(tmp_path: Path, kind: torch.dtype, told: str) -> None:
    folder = write_single_files(tmp_path / "comfy")
    file = folder / "vae" / "b.safetensors"
    tensors = load_file(file)
    save_file(tensors | {"decoder.conv1.bias": tensors["decoder.conv1.bias"].to(kind)}, file)
    with pytest.raises(WeightsMismatch, match=rf"decoder\.conv1\.bias .* is stored as {told}"):
        load_model(WHOLE, WeightFolder(folder))


@pytest.mark.parametrize(
    ("extra", "title"),
    [
        ({"blocks.0.block.self_attn.q.weight": (5120, 5120)}, "Wan-Animate-2"),
        ({"vace_blocks.0.after_proj.bias": (5120,)}, "Wan VACE"),
        ({"blocks.0.cross_attn.k_img.weight": (5120, 5120)}, "Wan2.1 image-to-video"),
        ({"patch_embedding.weight": (5120, 16, 1, 2, 2)}, "Wan2.1 or Wan2.2 text-to-video"),
        ({"patch_embedding.weight": (5120, 36, 1, 2, 2)}, "Wan2.2 image-to-video"),
        ({"model.diffusion_model.blocks.0.block.q.weight": (5120, 5120)}, "Wan-Animate-2"),
    ],
)
def test_other_models_are_told_by_name(extra: dict[str, tuple[int, ...]], title: str) -> None:
    assert other_model({"blocks.0.self_attn.q.weight": (5120, 5120)} | extra) == title


def test_another_model_in_the_folder_is_refused_by_name(tmp_path: Path) -> None:
    names = {"blocks.0.self_attn.q.weight": torch.ones(2, 2), "vace_blocks.0.x": torch.ones(1)}
    save_file(names, tmp_path / "transformer.safetensors")
    with pytest.raises(ModelUnknown, match="Wan VACE"):
        load_model(WHOLE, WeightFolder(tmp_path))


@pytest.mark.parametrize(
    ("case", "part"),
    [
        ("original", Part.TRANSFORMER),
        ("diffusers", Part.TRANSFORMER),
        ("vae", Part.VAE),
        ("text_encoder", Part.TEXT_ENCODER),
        ("image_encoder", Part.IMAGE_ENCODER),
    ],
)
def test_the_released_names_are_recognised(case: str, part: Part) -> None:
    names = list(json.loads(stored(GOLDEN / f"manifest_{case}.json")))
    assert part_of(names, "anything") is part
    assert not is_lora(names)
