"""Files that are not as they were packed are named, with both hashes, before any network is built."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import WeightsMismatch, WeightsMissing
from understudy_engine.weights import installed
from understudy_engine.weights.hashes import HASHES, check_hashes, read_hashes, write_hashes
from understudy_engine.weights.sources import WeightFolder

FILES = (
    "transformer.safetensors",
    "vae.safetensors",
    "image_encoder.safetensors",
    "default_context.safetensors",
    "relighting_lora.safetensors",
    "four_step_lora.safetensors",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_model(TINY, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def packed(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "packed"))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks that were begun to be built."""
    begun: list[str] = []

    def noted(module: torch.nn.Module, *args: object, **kwargs: object) -> None:
        begun.append(type(module).__name__)
        plain(module, *args, **kwargs)

    plain = torch.nn.Module.__init__
    monkeypatch.setattr(torch.nn.Module, "__init__", noted)
    return begun


def load(folder: Path) -> Engine:
    return Engine.load(TINY, EngineOptions(weights=folder))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_whole_files_are_loaded(packed: Path, built: list[str]) -> None:
    assert load(packed).identity().weights == "files"
    assert "WanAnimateTransformer" in built


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_before_anything_is_built(packed: Path, built: list[str], name: str) -> None:
    expected = sha256(packed / name)
    (packed / name).unlink()
    with pytest.raises(
        WeightsMissing, match=rf"{name} is missing .*{expected}.*found no file.*Download"
    ) as caught:
        load(packed)
    assert not built
    assert str(packed) in caught.value.message


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named_with_bytes_and_both_hashes(
    packed: Path, built: list[str], name: str
) -> None:
    file = packed / name
    expected, content = sha256(file), file.read_bytes()
    file.write_bytes(content[:-7])
    size = f"{len(content) - 7} of {len(content)} bytes"
    with pytest.raises(
        WeightsMismatch, match=f"{name} is truncated to {size} .*{expected}, found {sha256(file)}"
    ):
        load(packed)
    assert not built


@pytest.mark.parametrize("name", FILES)
def test_a_single_altered_value_is_found_and_named_with_both_hashes(
    packed: Path, built: list[str], name: str
) -> None:
    file = packed / name
    expected, tensors = sha256(file), load_file(file)
    tensors[next(iter(tensors))].view(-1)[0] += 1  # still a file that would load
    save_file(tensors, file)
    with pytest.raises(WeightsMismatch, match=f"{name} is altered .*{expected}, found {sha256(file)}"):
        load(packed)
    assert not built


def test_every_broken_file_is_named_at_once(packed: Path) -> None:
    for name in FILES[:2]:
        (packed / name).write_bytes(b"")
    with pytest.raises(WeightsMismatch) as caught:
        load(packed)
    assert all(name in caught.value.message for name in FILES[:2])
    assert FILES[2] not in caught.value.message


def test_files_that_are_no_tensors_are_held_against_their_hashes_too(packed: Path) -> None:
    (packed / "pose.onnx").write_bytes(b"net")
    write_hashes(packed, [*FILES, "pose.onnx"])
    load(packed)
    (packed / "pose.onnx").write_bytes(b"not")
    with pytest.raises(WeightsMismatch, match=r"pose\.onnx is altered"):
        load(packed)


def test_packaged_weights_send_the_artist_to_the_package(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "PACKAGED", {TINY.name: packed})
    assert Engine.load(TINY).identity().weights == "packaged"
    (packed / FILES[0]).unlink()
    with pytest.raises(WeightsMissing, match="Install understudy again"):
        Engine.load(TINY)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format": "understudy.weights", "version": 2, "files": {}}']
)
def test_a_broken_list_of_hashes_is_refused_itself(packed: Path, built: list[str], text: str) -> None:
    (packed / HASHES).write_text(text)
    with pytest.raises(WeightsMismatch, match=HASHES):
        load(packed)
    assert not built


def test_a_folder_without_hashes_is_taken_as_it_is(packed: Path) -> None:
    (packed / HASHES).unlink()
    assert check_hashes(packed, "") == {}
    load(packed)


def test_what_is_written_down_is_what_is_read(packed: Path) -> None:
    assert json.loads((packed / HASHES).read_text())["format"] == "understudy.weights"
    found = read_hashes(packed)
    assert set(found) == set(FILES)
    assert all(found[name] == (sha256(packed / name), (packed / name).stat().st_size) for name in FILES)


def test_hashes_change_nothing_about_the_models_identity(packed: Path) -> None:
    checked, plain = WeightFolder(packed), WeightFolder(packed)
    checked.check()
    assert checked.sha256() == plain.sha256()
