"""understudy models: list, verify, pull and convert, as an artist calls them; no server runs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from tests.engine.weights.test_formats import PICKLES
from tests.server.support.hub import Hub, serving
from tests.support.releases import WHOLE, write_original, write_single_files
from understudy_engine.errors import WeightsMissing
from understudy_engine.model import configs
from understudy_engine.model.configs import WAN_ANIMATE_14B
from understudy_engine.weights.folder import MODEL_FILE
from understudy_engine.weights.hashes import file_hash, write_hashes
from understudy_server.cli.app import app
from understudy_server.models import weights_of
from understudy_server.presence import held

LARGE = WAN_ANIMATE_14B.name
Call = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setitem(configs.MODELS, "tiny", WHOLE)
    return tmp_path / "home"


@pytest.fixture
def call(home: Path) -> Call:
    return lambda *words: CliRunner().invoke(app, ["models", *map(str, words)])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def test_what_is_installed_is_listed_with_sizes_and_what_lacks(call: Call, home: Path) -> None:
    folder = write_original(home / "models" / LARGE)
    (folder / "Wan2.1_VAE.pth").unlink()
    (folder / "diffusion_pytorch_model-00002-of-00004.safetensors").unlink()
    models = {model["name"]: model for model in json.loads(call("list", "--json").stdout)["models"]}
    assert models["nano"]["installed"]
    assert not models["tiny"]["installed"]
    assert models[LARGE]["missing"] == ["transformer", "vae"]
    parts = {part["name"]: part for part in models[LARGE]["parts"]}
    assert "00002-of-00004.safetensors is missing" in parts["transformer"]["trouble"]
    assert parts["text_encoder"]["files"] == ["models_t5_umt5-xxl-enc-bf16.pth"]
    told = call("list").stdout
    assert "missing" in told
    assert "relighting_lora.ckpt" in told
    assert "Fetch it with: understudy models pull" in told


def test_a_model_is_converted_listed_verified_and_its_damage_found(
    call: Call, home: Path, tmp_path: Path
) -> None:
    source = write_single_files(tmp_path / "comfy")
    made = call("convert", source, "--model", "tiny", "--precision", "int8")
    assert made.exit_code == 0, made.output
    folder = home / "models" / "tiny"
    listed = {model["name"]: model for model in json.loads(call("list", "--json").stdout)["models"]}["tiny"]
    assert (listed["precision"], listed["installed"], listed["folder"]) == ("int8", True, str(folder))
    assert "all as they should be" in call("verify", "tiny").stdout
    file = folder / "vae.safetensors"
    before = file.stat()
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    damaged = call("verify", "tiny")
    assert damaged.exit_code == 2
    assert "vae.safetensors is altered" in damaged.stderr


def test_a_pickle_is_converted_once_it_is_trusted_by_its_hash(call: Call, home: Path, tmp_path: Path) -> None:
    source = write_original(tmp_path / "original")
    refused = call("convert", source, "-o", tmp_path / "ours", "--model", "tiny")
    assert refused.exit_code == 2
    assert "is a pickle, which can run programs" in refused.stderr
    hashes = [word for name in PICKLES for word in ("--sha256", file_hash(source / name).sha256.upper())]
    made = call("convert", source, "-o", tmp_path / "ours", "--model", "tiny", "--no-prompts", *hashes)
    assert made.exit_code == 0, made.output
    assert (tmp_path / "ours" / "hashes.json").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--precision", "fp4"], "choose one of bf16, int8"),
        (["--file", "transformer"], "write a part and a file that is there"),
        (["--model", "huge"], "There is no model 'huge'"),
        (["--sha256", "cafe"], "a SHA-256 has 64 digits"),
        (["--device", "tricorder"], "Nothing can be cast on tricorder: .* Choose cpu"),
    ],
)
def test_what_cannot_be_converted_is_told_in_a_sentence(
    call: Call, tmp_path: Path, words: list[str], told: str
) -> None:
    refused = call("convert", tmp_path, *words)
    assert refused.exit_code == 2
    assert re.search(told, refused.stderr)


def test_a_conversion_clears_away_what_a_killed_one_left_and_is_alone(
    call: Call, home: Path, tmp_path: Path
) -> None:
    source, models = write_single_files(tmp_path / "comfy"), home / "models"
    for name in (".tiny.0123abcd.partial", ".tiny.more.0123abcd.partial"):
        (models / name / "tiny").mkdir(parents=True)
    with held(models / ".tiny.lock"):
        assert "Another command is writing" in call("convert", source, "--model", "tiny").stderr
    made = call("convert", source, "--model", "tiny", "--no-prompts")
    assert made.exit_code == 0, made.output
    assert sorted(file.name for file in models.iterdir()) == [".tiny.more.0123abcd.partial", "tiny"]
    (tmp_path / "dead").symlink_to("nowhere")
    for target in (tmp_path / "dead", source / "vae" / "b.safetensors" / "x"):
        refused = call("convert", source, "--model", "tiny", "-o", target)
        assert refused.exit_code == 2
        assert re.search("is there already|cannot be written: File exists", refused.stderr)


def test_a_release_is_not_pulled_beside_a_converted_model(call: Call, home: Path, hub: Hub) -> None:
    folder = home / "models" / LARGE
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_text("{}")
    assert "holds a converted model" in call("pull").stderr
    assert "has no config.json" in call("pull", "--only", "detector").stderr  # it is looked up


def test_a_link_whose_disk_is_away_is_told(call: Call, home: Path) -> None:
    place = home / "models" / LARGE
    place.parent.mkdir(parents=True)
    place.symlink_to("/Volumes/Films/wan")
    told = f"{place} is a link to /Volumes/Films/wan, which is not there. Is its disk connected?"
    assert told in call("list").stdout
    assert told in call("verify").stderr
    with pytest.raises(WeightsMissing, match="Is its disk connected"):
        weights_of(LARGE, home)


def test_another_model_in_the_place_of_this_one_is_listed_by_its_name(call: Call, home: Path) -> None:
    folder = write_single_files(home / "models" / LARGE)
    save_file({"blocks.0.block.self_attn.q.weight": torch.ones(2, 2)}, folder / "transformer.safetensors")
    assert "transformer.safetensors cannot be the transformer: it is Wan-Animate-2." in call("list").stdout


def test_names_that_look_like_markup_are_listed_as_they_are(call: Call, home: Path) -> None:
    folder = write_single_files(home / "models" / LARGE)
    (folder / "vae" / "b.safetensors").rename(folder / "vae" / "[red]b[bold].safetensors")
    listed = call("list")
    assert listed.exit_code == 0
    assert "vae/[red]b[bold].safetensors" in listed.stdout


def test_verifying_says_what_is_not_installed_or_has_no_hashes(call: Call, home: Path) -> None:
    assert "is not installed" in call("verify").stderr
    folder = write_original(home / "models" / LARGE)
    assert "there is no hashes.json" in call("verify").stderr
    write_hashes(folder, PICKLES)
    assert call("verify").exit_code == 0


def test_a_pull_is_told_beforehand_and_breaks_with_a_sentence(call: Call, hub: Hub) -> None:
    nets = "PekingU/rtdetr_v2_r50vd"
    hub.files = {(nets, "config.json"): b"{}", (nets, "model.safetensors"): b"net" * 100}
    told = call("pull", "--only", "detector", "--estimate", "--json")
    assert json.loads(told.stdout)["files"] == 2
    assert not [name for name, _ in hub.asked]
    kept = call("pull", "--only", "detector")
    assert "Apache-2.0" in kept.stdout
    assert "Kept for when the model itself is pulled" in kept.stderr
    assert "detector/model.safetensors, " in kept.stderr  # a line for each file where there is no terminal
    assert (
        "is not whole yet: 0.0 GB of it are here. Go on with: understudy models pull" in call("list").stdout
    )
    lost = call("pull", "--only", "mattes")
    assert lost.exit_code == 2
    assert "has no config.json" in lost.stderr
