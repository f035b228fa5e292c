"""Files that are damaged, lie, or are no files: named in one sentence, never a crash, never taken for weights."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from understudy_engine.errors import WeightsMismatch, WeightsMissing
from understudy_engine.weights.folder import part_files
from understudy_engine.weights.hashes import HASHES, file_hash, read_hashes
from understudy_engine.weights.headers import read_header
from understudy_engine.weights.parts import LORAS, Part
from understudy_engine.weights.sources import WeightFolder

INDEX = "diffusion_pytorch_model.safetensors.index.json"
SHARDS = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for number, name in enumerate(SHARDS):
        save_file({f"motion_encoder.{number}": torch.ones(2)}, tmp_path / name)
    index(tmp_path, {"weight_map": {f"motion_encoder.{number}": name for number, name in enumerate(SHARDS)}})
    return tmp_path


def index(folder: Path, document: Any) -> None:
    (folder / INDEX).write_text(json.dumps(document))


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


BROKEN = {
    "nothing": b"",
    "half a length": b"\x10\0\0",
    "no header": header(b"", 8),
    "a length beyond the file": header(b"{}", 10_000),
    "a length beyond all files": header(b"{}", 2**63),
    "a list": header(b"[1]"),
    "null": header(b"null"),
    "numbers for tensors": header(b'{"a": 3}'),
    "offsets in words": header(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": ["0", "4"]}}')
    + bytes(4),
    "a shape that lies": header(b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}') + bytes(4),
    "brackets without end": header(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "no text": header(b'{"\xff": 1}'),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_safetensors_file_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "transformer.safetensors"
    file.write_bytes(content)
    with pytest.raises(WeightsMismatch, match=r"transformer\.safetensors is damaged or no safetensors file"):
        WeightFolder(tmp_path).shapes(Part.TRANSFORMER)


@pytest.mark.parametrize(("name", "part"), [("vae.safetensors", Part.VAE), ("Wan2.1_VAE.pth", Part.VAE)])
def test_what_git_leaves_in_place_of_a_large_file_is_told(tmp_path: Path, name: str, part: Part) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:38071ab59bd9\nsize 507609880\n"
    (tmp_path / name).write_text(pointer)
    with pytest.raises(WeightsMissing, match=rf"{name} is a pointer of Git LFS.*git lfs pull"):
        WeightFolder(tmp_path).shapes(part)


def test_what_cannot_be_opened_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").mkdir()
    (tmp_path / "b.safetensors").symlink_to("b.safetensors")
    with pytest.raises(WeightsMissing, match=r"a\.safetensors cannot be read \(Is a directory\)"):
        read_header(tmp_path / "a.safetensors")
    with pytest.raises(WeightsMissing, match=r"b\.safetensors cannot be read \(Too many levels"):
        read_header(tmp_path / "b.safetensors")


@pytest.mark.parametrize("kind", ["folder", "loop", "dangling"])
def test_a_shard_that_is_no_file_is_missing(shards: Path, kind: str) -> None:
    shard = shards / SHARDS[1]
    shard.unlink()
    if kind == "folder":
        shard.mkdir()
    else:
        shard.symlink_to(shard.name if kind == "loop" else "nowhere")
    with pytest.raises(WeightsMissing, match=rf"{SHARDS[1]} is missing from .*1 of 2 files"):
        part_files(shards, Part.TRANSFORMER)


def test_links_that_lead_nowhere_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "relight.safetensors").symlink_to("relight.safetensors")
    (tmp_path / "loras" / "lightx2v.safetensors").symlink_to("nowhere")
    (tmp_path / "unet").symlink_to(tmp_path)
    assert [part_files(tmp_path, part) for part in LORAS] == [[], []]


@pytest.mark.parametrize("document", [[], {"weight_map": [1]}, {"weight_map": 3}, {}, None])
def test_a_damaged_index_is_named(shards: Path, document: object) -> None:
    index(shards, document)
    with pytest.raises(WeightsMismatch, match=rf"{INDEX} is damaged"):
        part_files(shards, Part.TRANSFORMER)


def test_an_index_that_names_files_elsewhere_opens_none_of_them(shards: Path) -> None:
    save_file({"stolen": torch.ones(1)}, shards.parent / "stolen.safetensors")
    index(shards, {"weight_map": {"a": SHARDS[0], "b": "../stolen.safetensors"}})
    with pytest.raises(WeightsMissing, match=r"\.\./stolen\.safetensors is missing"):
        WeightFolder(shards).shapes(Part.TRANSFORMER)


def test_copies_beside_the_shards_are_not_taken_for_shards(shards: Path) -> None:
    save_file({"motion_encoder.1": torch.zeros(2)}, shards / SHARDS[1].replace(".", " (1).", 1))
    assert [file.name for file in part_files(shards, Part.TRANSFORMER)] == SHARDS
    (shards / INDEX).unlink()
    assert [file.name for file in part_files(shards, Part.TRANSFORMER)] == SHARDS
    save_file({"motion_encoder.1": torch.zeros(2)}, shards / SHARDS[1].replace("2", "3"))
    with pytest.raises(
        WeightsMismatch, match=r"holds 1 tensors .* another file beside it holds too, first motion_"
    ):
        WeightFolder(shards).shapes(Part.TRANSFORMER)


@pytest.mark.parametrize("config", ['{"lora_', "[1]", "\xff"])
def test_a_damaged_description_of_a_lora_is_named(tmp_path: Path, config: str) -> None:
    (tmp_path / "relighting_lora").mkdir()
    (tmp_path / "relighting_lora" / "adapter_config.json").write_bytes(config.encode("latin-1"))
    with pytest.raises(WeightsMismatch, match=r"adapter_config\.json is (damaged|no JSON object)"):
        WeightFolder(tmp_path).settings(Part.RELIGHTING_LORA)


@pytest.mark.parametrize("held", [{"state_dict": torch.ones(2)}, {"state_dict": {}}, [torch.ones(1)], {}])
def test_a_pickle_without_names_is_refused_without_a_crash(tmp_path: Path, held: Any) -> None:
    torch.save(held, tmp_path / "Wan2.1_VAE.pth")
    source = WeightFolder(tmp_path, trusted=[file_hash(tmp_path / "Wan2.1_VAE.pth").sha256])
    with pytest.raises(WeightsMismatch, match="holds no tensors by name"):
        source.shapes(Part.VAE)


@pytest.mark.parametrize("file", [3, {"sha256": 3}, {"sha256": "a", "bytes": "many"}])
def test_a_damaged_list_of_hashes_is_named(tmp_path: Path, file: object) -> None:
    document = {"format": "understudy.weights", "version": 1, "files": {"a": file}}
    (tmp_path / HASHES).write_text(json.dumps(document))
    with pytest.raises(WeightsMismatch, match=rf"{HASHES} is damaged"):
        read_hashes(tmp_path)
    (tmp_path / HASHES).unlink()
    (tmp_path / HASHES).mkdir()
    with pytest.raises(WeightsMismatch, match=rf"{HASHES} is damaged"):
        read_hashes(tmp_path)
