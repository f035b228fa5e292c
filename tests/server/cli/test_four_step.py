"""--four-step and --lora from the command line, through a real server whose model brings both LoRAs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tiny import TINY
from tests.support.weights import pack_model, save_lora
from understudy_server.cli.launch import start_server, stop_server

from .conftest import Said, Shot, Understudy, environment


@pytest.fixture(scope="module")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("quick_home")
    pack_model(TINY, home / "models" / "nano")
    save_lora(TINY, home / "models" / "loras" / "anna.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(home).items():
            patch.setitem(os.environ, name, value)
        start_server(home, [], ["--engine-factory", "tests.server.support.tiny:load"])
        yield home
        stop_server(home)


def steps(said: str) -> int:
    return int(json.loads(said)["job"]["plan"]["steps_per_segment"])


def manifest_of(said: Said) -> Path:
    [manifest] = [each["path"] for each in said.json["outputs"] if each["kind"] == "manifest"]
    return Path(manifest)


def test_a_swap_in_four_steps_with_a_lora_can_be_replayed_and_made_again_in_more(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    files = (shot.clip, shot.character, "--passes", shot.passes, "-o", tmp_path / "quick.mkv")
    said = served(
        *("replace", *files, "--four-step", "--four-step-strength", "0.8", "--lora", "anna=0.5", "--json")
    )
    assert said.code == 0, said
    assert steps(said.out) == 4
    manifest = manifest_of(said)
    settings = json.loads(manifest.read_text())["settings"]
    assert (settings["four_step"], settings["four_step_strength"]) == (True, 0.8)
    assert settings["loras"] == {"anna": 0.5}

    again = served("replay", manifest, "--json")
    assert (again.code, again.json["same"]) == (0, True), again

    take = said.json["job"]["name"]
    refused = served("takes", "retake", take, "3:6", "--steps", "2", "--json")
    assert refused.code == 2
    assert "Four steps means 4 steps, and steps 2 was asked for as well" in refused.out
    more = served(
        "takes", "retake", take, "3:6", "--no-four-step", "--steps", "2", "--solver", "unipc", "--json"
    )
    assert more.code == 0, more
    assert steps(more.out) == 2
    kept = json.loads(manifest_of(more).read_text())["settings"]
    assert kept["loras"] == {"anna": 0.5}
    assert "four_step_strength" not in kept


def test_four_steps_and_another_number_of_steps_are_refused_before_anything_is_made(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    files = (shot.clip, shot.character, "--passes", shot.passes, "-o", tmp_path / "never.mkv")
    said = served("replace", *files, "--four-step", "--steps", "8")
    assert said.code == 2
    assert "Leave out one of the two" in " ".join(said.err.split())


def test_a_lora_that_is_not_there_is_refused_before_anything_is_made(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    files = (shot.clip, shot.character, "--passes", shot.passes, "-o", tmp_path / "never.mkv")
    said = served("animate", *files, "--lora", "berta")
    assert said.code == 2
    assert "There is no LoRA 'berta' here. There are: anna." in " ".join(said.err.split())


def test_a_prompt_is_handed_on_and_refused_by_a_model_that_reads_none(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    files = (shot.clip, shot.character, "--passes", shot.passes, "-o", tmp_path / "never.mkv")
    said = served("animate", *files, "--prompt", "a dancer")
    assert said.code == 2
    assert "takes no prompt" in " ".join(said.err.split())
