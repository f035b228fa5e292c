"""Our own layout: the same numbers, trimmed, hashed, in bf16 or int8, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.engine.weights.test_formats import PICKLES, same_model
from tests.support.releases import WHOLE, write_diffusers, write_original, write_single_files
from understudy_engine.errors import DiskFull, RequestError, WeightsMismatch, WeightsMissing
from understudy_engine.memory_plans import Precision
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.weights import convert as converting
from understudy_engine.weights.convert import LINEAR, convert
from understudy_engine.weights.fill import Filling
from understudy_engine.weights.hashes import check_hashes, read_hashes, write_hashes
from understudy_engine.weights.load import load_model, transformer_filling
from understudy_engine.weights.lora import Change, Loras
from understudy_engine.weights.parts import Part
from understudy_engine.weights.rows import quantise_rows
from understudy_engine.weights.sources import StandIn, WeightFolder, WeightSource
from understudy_engine.weights.tensor_files import open_tensors

CPU = torch.device("cpu")
NAME = "blocks.0.ffn.up.weight"


def in_int8(source: WeightSource) -> Filling[WanAnimateTransformer]:
    return transformer_filling(WHOLE, source, device=CPU, dtype=torch.bfloat16, precision=Precision.INT8)


def weight(net: nn.Module) -> Tensor:
    up = net.get_submodule("blocks.0.ffn.up")
    return up.get_buffer("weight").float() * up.get_buffer("scale")[:, None]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_original(tmp_path_factory.mktemp("weights") / "original")
    write_hashes(folder, PICKLES)
    (folder / "detector").mkdir()
    (folder / "detector" / "config.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def converted(original: Path) -> Path:
    return convert(WHOLE, WeightFolder(original), original.parent / "ours")


@pytest.fixture(scope="module")
def eight(original: Path) -> Path:
    return convert(WHOLE, WeightFolder(original), original.parent / "eight", precision=Precision.INT8)


def test_a_converted_model_is_the_same_to_the_last_bit(converted: Path) -> None:
    found = load_model(WHOLE, WeightFolder(converted), dtype=torch.bfloat16)
    truth = load_model(WHOLE, StandIn(), dtype=torch.bfloat16)
    assert all(
        torch.equal(tensor, truth.transformer.state_dict()[name])
        for name, tensor in found.transformer.state_dict().items()
        if tensor.dtype is torch.bfloat16
    )
    assert found.loras.parts == {Part.RELIGHTING_LORA}
    assert found.contexts.is_known("")


@pytest.mark.parametrize("write", [write_diffusers, write_single_files])
def test_other_layouts_convert_to_the_same_tensors(write: object, converted: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "other")  # type: ignore[operator]
    into = convert(WHOLE, WeightFolder(source), tmp_path / "ours", prompts=False)
    for part in ("transformer", "vae", "image_encoder", "default_context"):
        ours, theirs = (open_tensors(folder / f"{part}.safetensors") for folder in (into, converted))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name].values(), theirs[name].values()) for name in ours)


def test_towers_are_trimmed_and_what_lies_beside_comes_along(converted: Path) -> None:
    held = open_tensors(converted / "image_encoder.safetensors")
    assert not [
        name for name in held if name.startswith(("textual.", "visual.head", "visual.transformer.1."))
    ]
    assert (converted / "tokenizer" / "tokenizer.json").is_file()
    assert (converted / "detector" / "config.json").is_file()
    assert json.loads((converted / "model.json").read_text())["precision"] == "bf16"


def test_a_model_in_the_hubs_cache_where_every_file_is_a_link_is_converted(
    original: Path, tmp_path: Path
) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "main"
    shutil.copytree(original, blobs)
    for file in (file for file in blobs.rglob("*") if file.is_file()):
        link = snapshot / file.relative_to(blobs)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(file, link.parent))
    made = convert(WHOLE, WeightFolder(snapshot), tmp_path / "ours", prompts=False)
    assert (made / "detector" / "config.json").read_text() == "{}"
    assert not (made / "detector" / "config.json").is_symlink()


def test_every_file_of_a_converted_model_has_its_hash(converted: Path, tmp_path: Path) -> None:
    files = {file.relative_to(converted).as_posix() for file in converted.rglob("*") if file.is_file()}
    assert read_hashes(converted).keys() == {
        name for name in files if name not in ("hashes.json", ".hashed.json", "model.json")
    }
    check_hashes(converted, "")
    copy = Path(shutil.copytree(converted, tmp_path / "copy"))
    with (copy / "vae.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    with pytest.raises(WeightsMismatch, match="vae"):
        load_model(WHOLE, WeightFolder(copy))


def test_int8_files_hold_rows_with_their_scales_and_load_as_they_are(eight: Path, original: Path) -> None:
    held = open_tensors(eight / "transformer.safetensors")
    quantised = {name for name, stored in held.items() if stored.dtype is torch.int8}
    assert quantised == {name for name in held if LINEAR.fullmatch(name)}
    assert len(quantised) == 8 * 2 + 2
    once, twice = in_int8(WeightFolder(original)).network, in_int8(WeightFolder(eight)).network
    assert torch.equal(weight(once), weight(twice))
    assert torch.equal(weight(once), load_model(WHOLE, WeightFolder(eight)).transformer.get_parameter(NAME))
    truth = StandIn().read(Part.TRANSFORMER, "blocks.0.ffn.0.weight", (32, 16))
    expected, scale = quantise_rows(truth.bfloat16().float())
    assert torch.equal(weight(once), expected.float() * scale[:, None])


def test_what_a_conversion_quantises_is_what_the_engine_runs_in_int8() -> None:
    filled = in_int8(StandIn())
    state = filled.network.state_dict()
    ran = {rename.theirs[0] for rename in filled.renames if state[rename.ours[0]].dtype is torch.int8}
    assert ran == {rename.theirs[0] for rename in filled.renames if LINEAR.fullmatch(rename.theirs[0])}


def test_int8_is_within_half_a_step_of_every_row() -> None:
    values = torch.randn(40, 64, generator=torch.Generator().manual_seed(0))
    values[3] = 0
    quantised, scale = quantise_rows(values)
    assert ((quantised.float() * scale[:, None] - values).abs() <= scale[:, None] / 2 + 1e-7).all()
    assert quantised[0].abs().max() == 127


@pytest.mark.parametrize("stored", ["original", "eight"])
def test_a_small_lora_reaches_int8_weights_whatever_they_are_made_of(
    stored: str, original: Path, eight: Path
) -> None:
    """Less than half a step for every weight: rounded to the nearest, an int8 file would not move at all."""
    filled = in_int8(WeightFolder(original if stored == "original" else eight))
    before, step = weight(filled.network), filled.network.get_buffer("blocks.0.ffn.up.scale").clone()
    moved = 0.3 * step[:, None].expand(-1, 16)
    loras = Loras(filled, {Part.FOUR_STEP_LORA: {NAME: Change(diff=moved)}})
    loras.set_strengths({Part.FOUR_STEP_LORA: 1.0})
    mean = ((weight(filled.network) - before) / step[:, None]).mean()
    assert 0.2 < mean < 0.4
    once = weight(filled.network)
    loras.set_strengths({})
    assert torch.equal(weight(filled.network), before)
    loras.set_strengths({Part.FOUR_STEP_LORA: 1.0})
    assert torch.equal(weight(filled.network), once)


def test_without_prompts_there_is_no_text_encoder_and_the_models_own_prompt_still_reads(
    original: Path, tmp_path: Path
) -> None:
    into = convert(WHOLE, WeightFolder(original), tmp_path / "ours", prompts=False)
    assert not (into / "text_encoder.safetensors").exists()
    found = load_model(WHOLE, WeightFolder(into))
    with pytest.raises(WeightsMissing, match="cannot read a prompt of yours"):
        found.contexts.of("a dancer")


def test_large_parts_are_written_in_shards(
    original: Path, converted: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(converting, "SHARD_BYTES", 20_000)
    into = convert(WHOLE, WeightFolder(original), tmp_path / "ours", prompts=False)
    assert len(list((into / "transformer").glob("*.safetensors"))) > 1
    same_model(load_model(WHOLE, WeightFolder(into)), load_model(WHOLE, WeightFolder(converted)))


def test_a_conversion_that_breaks_off_leaves_nothing(original: Path, tmp_path: Path, monkeypatch) -> None:
    def breaks(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(converting, "_bring_along", breaks)
    with pytest.raises(KeyboardInterrupt):
        convert(WHOLE, WeightFolder(original), tmp_path / "ours")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_and_a_folder_that_is_there_are_told_beforehand(
    original: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(DiskFull, match=r"takes 0\.0 GB, and .* has 0\.0 GB free"):
        convert(WHOLE, WeightFolder(original), tmp_path / "ours")
    with pytest.raises(RequestError, match="is there already"):
        convert(WHOLE, WeightFolder(original), tmp_path)
