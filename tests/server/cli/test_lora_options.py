"""--lora as it is written, and the LoRAs that understudy models list shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.weights import save_lora
from understudy_api.errors import InvalidRequest
from understudy_engine.model.configs import NANO
from understudy_server.cli.lora_options import loras

from .conftest import call_here


def test_a_lora_is_a_name_and_a_strength_or_a_name_alone() -> None:
    asked = loras(["anna=0.8", "looks/film", "odd=name=-1"])
    told = [(lora.name, lora.strength if lora.HasField("strength") else None) for lora in asked]
    assert told == [("anna", 0.8), ("looks/film", None), ("odd=name", -1.0)]
    assert loras(None) == []


@pytest.mark.parametrize("text", ["anna=", "anna=much", "=0.5"])
def test_what_is_no_lora_and_strength_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"Write its name and a number: anna=0\.8"):
        loras([text])


def test_the_list_of_models_shows_loras_with_the_models_they_are_for(home: Path) -> None:
    folder = home / "models" / "loras"
    before = call_here(home, "models", "list")
    assert f"LoRAs of yours go into {folder}" in "".join((before.out + before.err).split("\n"))
    save_lora(NANO, folder / "anna.safetensors")
    save_lora(replace(NANO, transformer=replace(NANO.transformer, ffn_dim=16)), folder / "odd.safetensors")
    listed = call_here(home, "models", "list", "--json").json["loras"]
    assert listed["folder"] == str(folder)
    anna, odd = listed["files"]
    assert (anna["name"], anna["rank"], anna["models"], anna["trouble"]) == ("anna", 2, [NANO.name], "")
    assert (odd["models"], "It belongs to another model" in odd["trouble"]) == ([], True)
    told = call_here(home, "models", "list").out
    assert "rank 2" in told
    assert "The LoRA 'odd' has blocks.0.ffn.0" in told
