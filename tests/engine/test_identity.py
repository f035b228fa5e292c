"""What pixels come from is told by content: another weight, row or rule is another hash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.support.tiny import TINY
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.identity import identify
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.weights.sources import StandIn, WeightFolder


def test_an_engine_tells_its_model_weights_and_device() -> None:
    identity = Engine.load(TINY, EngineOptions(weights="stand-in")).identity()
    assert (identity.name, identity.weights, identity.device) == (TINY.name, "stand-in", "cpu")
    assert identity.threads == torch.get_num_threads()
    nets, threads = NetFolder(), torch.get_num_threads()
    assert identity == identify(TINY, StandIn(), "cpu", threads, nets.sha256(), nets.told())
    assert identity.nets == "nano's small nets on the CPU"


def test_another_row_of_widths_is_another_model() -> None:
    other = replace(TINY, sampling=replace(TINY.sampling, steps=TINY.sampling.steps + 1))
    hashes = {identify(spec, StandIn(), "cpu", 1).spec_sha256 for spec in (TINY, other)}
    assert len(hashes) == 2


def test_another_salt_is_another_set_of_stand_ins() -> None:
    assert StandIn(0).sha256() == StandIn(0).sha256() != StandIn(1).sha256()


def test_weight_files_are_told_by_name_and_content(tmp_path: Path) -> None:
    file = tmp_path / "vae" / "one.safetensors"
    file.parent.mkdir()
    save_file({"weight": torch.zeros(3)}, file)
    first = WeightFolder(tmp_path).sha256()
    assert first == WeightFolder(tmp_path).sha256()
    save_file({"weight": torch.ones(3)}, file)
    second = WeightFolder(tmp_path).sha256()
    file.rename(tmp_path / "vae" / "two.safetensors")
    assert len({first, second, WeightFolder(tmp_path).sha256()}) == 3


def test_other_models_beside_the_weights_are_not_read_and_change_nothing(tmp_path: Path) -> None:
    """A whole folder of ComfyUI's may be linked: half a terabyte."""
    save_file({"encoder.downsamples.0.residual.0.gamma": torch.zeros(3)}, tmp_path / "mine.safetensors")
    first = WeightFolder(tmp_path).sha256()
    (tmp_path / "checkpoints").mkdir()
    save_file({"x": torch.zeros(3)}, tmp_path / "checkpoints" / "other.safetensors")
    save_file({"double_blocks.0.x": torch.zeros(3)}, tmp_path / "flux.safetensors")
    (tmp_path / "lost.safetensors").symlink_to("nowhere")
    assert WeightFolder(tmp_path).sha256() == first != WeightFolder(tmp_path / "checkpoints").sha256()
