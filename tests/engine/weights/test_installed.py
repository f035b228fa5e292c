"""Which weights a model runs with, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_engine.engine import Engine
from understudy_engine.errors import WeightsMissing
from understudy_engine.model.configs import NANO, WAN_ANIMATE_14B
from understudy_engine.weights import installed
from understudy_engine.weights.hashes import HASHES, check_hashes, read_hashes
from understudy_engine.weights.installed import PACKAGED, Kind, Weights, find_weights, notice_of
from understudy_engine.weights.parts import LORAS, Part

MOST_BYTES = 34_000_000


def test_stand_ins_are_had_by_name_alone(tmp_path: Path) -> None:
    assert find_weights(TINY.name, "stand-in") == Weights(Kind.STAND_IN)
    with pytest.raises(WeightsMissing, match="No weights come with the model 'tiny'"):
        Engine.load(TINY)
    with pytest.raises(WeightsMissing):
        find_weights(WAN_ANIMATE_14B.name)


def test_a_folder_that_is_named_wins_over_what_comes_with_the_model(tmp_path: Path) -> None:
    assert find_weights(NANO.name, tmp_path) == Weights(Kind.FILES, tmp_path)


def test_nano_comes_with_weights_and_stand_ins_say_that_they_are(tmp_path: Path) -> None:
    assert find_weights(NANO.name) == Weights(Kind.PACKAGED, PACKAGED[NANO.name])
    assert notice_of(NANO, find_weights(NANO.name)) == NANO.notice
    assert "stand-in" in notice_of(NANO, Weights(Kind.STAND_IN))


def test_packaged_weights_whose_hashes_are_lost_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pack_model(TINY, tmp_path)
    (folder / HASHES).unlink()
    monkeypatch.setattr(installed, "PACKAGED", {TINY.name: folder})
    with pytest.raises(WeightsMissing, match=r"hashes.json is missing .* Install understudy again"):
        Engine.load(TINY)


def test_trained_nano_says_what_it_is_for() -> None:
    assert "procedurally drawn footage" in NANO.notice
    assert "14B" in NANO.notice
    assert "\n" not in NANO.notice


def test_the_loras_are_told_by_the_files_that_are_there(tmp_path: Path) -> None:
    folder = pack_model(TINY, tmp_path)
    assert Weights(Kind.FILES, folder).loras == set(LORAS)
    (folder / "four_step_lora.safetensors").unlink()
    assert Weights(Kind.FILES, folder).loras == {Part.RELIGHTING_LORA}
    assert not Weights(Kind.STAND_IN).loras


def test_what_is_packaged_is_whole_and_small() -> None:
    folder = PACKAGED[NANO.name]
    assert (folder / "vae.safetensors").is_file()
    assert check_hashes(folder, "", required=True) == read_hashes(folder)
    weights = [file for file in folder.iterdir() if file.suffix in (".safetensors", ".onnx")]
    assert {file.name for file in weights} == set(read_hashes(folder))
    assert sum(file.stat().st_size for file in weights) <= MOST_BYTES
