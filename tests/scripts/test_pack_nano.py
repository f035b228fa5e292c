"""Packing: whole, small and finite weights alone reach the package, and their hashes are written down with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from scripts import pack_nano
from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.weights.hashes import HASHES, read_hashes


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = pack_model(TINY, tmp_path_factory.mktemp("export"))
    (folder / HASHES).unlink()
    (folder / "pose.onnx").write_bytes(b"a net")
    (folder / "log.jsonl").write_text("not for the package")
    return folder


def pack(into: Path, *folders: Path) -> int:
    return pack_nano.main([*map(str, folders), "--into", str(into)])


def refusal(capsys: pytest.CaptureFixture[str], into: Path, *folders: Path) -> str:
    assert pack(into, *folders) == 1
    assert not (into / HASHES).exists()
    return capsys.readouterr().err


def test_what_was_packed_is_what_the_engine_loads(export: Path, tmp_path: Path) -> None:
    into = tmp_path / "nano"
    assert pack(into, export) == 0
    assert set(read_hashes(into)) == {file.name for file in into.iterdir()} - {HASHES}
    assert "pose.onnx" in read_hashes(into)
    assert not (into / "log.jsonl").exists()
    Engine.load(TINY, EngineOptions(weights=into))


def test_what_is_packed_already_stays_and_of_several_the_last_counts(export: Path, tmp_path: Path) -> None:
    into, newer = tmp_path / "nano", tmp_path / "newer"
    for folder in (into, newer):
        folder.mkdir()
    shutil.copyfile(export / "vae.safetensors", into / "vae.safetensors")
    (newer / "pose.onnx").write_bytes(b"a better net")
    rest = tmp_path / "rest"
    shutil.copytree(export, rest, ignore=shutil.ignore_patterns("vae.safetensors"))
    assert pack(into, rest, newer) == 0
    assert (into / "pose.onnx").read_bytes() == b"a better net"
    Engine.load(TINY, EngineOptions(weights=into))


def test_a_part_that_is_nowhere_is_named(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = tmp_path / "lacking"
    shutil.copytree(export, lacking, ignore=shutil.ignore_patterns("transformer*"))
    assert "transformer.safetensors is in none of the folders" in refusal(capsys, tmp_path / "nano", lacking)


def test_more_than_the_package_takes_is_refused_with_the_number(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large"
    large.mkdir()
    with (large / "detector.onnx").open("wb") as file:
        file.truncate(34_000_000)
    assert "the package takes 34,000,000" in refusal(capsys, tmp_path / "nano", export, large)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused_with_their_tensor(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], value: float
) -> None:
    tensors = load_file(export / "vae.safetensors")
    tensors["conv1.bias"][0] = value
    (tmp_path / "wild").mkdir()
    save_file(tensors, tmp_path / "wild" / "vae.safetensors")
    told = refusal(capsys, tmp_path / "nano", export, tmp_path / "wild")
    assert "no numbers, in 1 tensors, first conv1.bias" in told
