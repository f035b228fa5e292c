"""The demo, short: the real model's size, a few frames and one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy_api.endpoint import read_endpoint
from understudy_api.errors import ServerAway
from understudy_engine.media.read import probe
from understudy_engine.media.rgb import read_picture
from understudy_engine.model.configs import NANO
from understudy_engine.weights.installed import find_weights, notice_of

from .conftest import Understudy


def test_the_demo_swaps_end_to_end_and_leaves_no_server_behind(
    understudy: Understudy, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "demo"
    said = understudy("demo", "--folder", folder, "--frames", 5, "--steps", 1, "--json")
    assert said.code == 0, said
    assert said.json["notice"] == notice_of(NANO, find_weights(NANO.name))
    assert {output["kind"] for output in said.json["outputs"]} == {"delivery", "master", "manifest"}
    clip, result = probe(folder / "clip.mp4"), probe(folder / "result.mp4")
    assert result.frame_count == clip.frame_count == 5
    assert result.rate == clip.rate == 24
    assert result.size == clip.size == (256, 256)
    assert len(result.audio_streams) == len(clip.audio_streams) == 1
    height, width = read_picture(Path(said.json["side_by_side"])).shape[:2]
    assert (width, height) == (4 * 256, 4 * 256 + 18)
    movie = probe(Path(said.json["side_by_side_movie"]))
    assert movie.frame_count == 5
    assert movie.rate == 24
    assert movie.size == (4 * 256, 256 + 18)
    assert not home.exists(), "the demo's server has a data folder of its own"
    with pytest.raises(ServerAway):
        read_endpoint(folder / "server")
