"""understudy export and replay, through a real server with a tiny model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from understudy_engine.media.read import probe
from understudy_server.manifest import Manifest

from .conftest import FRAMES, Said, Shot, Understudy, write_png


class Made:
    """A Replace that has been made, and its manifest as a file."""

    def __init__(self, job: str, manifest: Path) -> None:
        self.job, self.manifest = job, manifest

    @property
    def facts(self) -> Manifest:
        return Manifest.model_validate_json(self.manifest.read_text())


@pytest.fixture(scope="module")
def made(server_home: Path, shot: Shot, tmp_path_factory: pytest.TempPathFactory) -> Made:
    from .conftest import call

    out = tmp_path_factory.mktemp("made") / "out.mkv"
    swap = (shot.clip, shot.character, "-o", out, "--passes", shot.passes, "--steps", 2, "--seed", 5)
    said = call(server_home, "replace", *swap, "--json")
    assert said.code == 0, said
    [manifest] = [output["path"] for output in said.json["outputs"] if output["kind"] == "manifest"]
    return Made(said.json["job"]["name"], Path(manifest))


def test_export_writes_a_layer_where_it_was_asked_for(served: Understudy, made: Made, tmp_path: Path) -> None:
    out = tmp_path / "hero.mov"
    said = served("export", made.job, out, "--layer", "character", "--codec", "prores4444", "--json")
    assert said.code == 0, said
    assert said.json["path"] == str(out)
    assert said.json["size_bytes"] == out.stat().st_size
    info = probe(out)
    assert (info.codec, info.frame_count) == ("prores", FRAMES)
    assert info.pix_fmt.startswith("yuva")
    again = served("export", made.job.removeprefix("jobs/"), out)
    assert again.code == 2
    assert "is there already" in again.err
    said = served("export", made.job, tmp_path / "frames", "--layer", "matte", "--codec", "exr")
    assert said.code == 0, said
    assert f"Export: {tmp_path / 'frames'}" in said.out
    assert len(list((tmp_path / "frames").glob("*.exr"))) == FRAMES


def test_a_replay_has_the_same_pixels(served: Understudy, made: Made) -> None:
    said = served("replay", made.manifest, "--json")
    assert said.code == 0, said
    assert said.json["same"] is True
    assert said.json["causes"] == said.json["differing"] == []
    assert said.json["job"] != made.job


def test_a_swap_with_masks_and_growth_is_replayed_with_them(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    passes = tmp_path / "passes"
    shutil.copytree(shot.passes, passes)
    left, top = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    left[:, :32], top[:16] = 255, 255
    write_png(tmp_path / "left.png", left)
    write_png(passes / "garbage.png", top)
    swap = ("replace", shot.clip, shot.character, "-o", tmp_path / "out.mkv", "--passes", passes)
    growing = ("--grow-hair", 6, "--grow-clothes", 0)
    said = served(*swap, "--keep-plate", tmp_path / "left.png", *growing, "--json")
    assert said.code == 0, said
    [path] = [each["path"] for each in said.json["outputs"] if each["kind"] == "manifest"]
    facts = json.loads(Path(path).read_text())
    assert {"garbage", "keep"} <= {one["role"] for one in facts["inputs"]}
    assert (facts["settings"]["grow_hair_px"], facts["settings"]["grow_clothes_px"]) == (6, 0)
    again = served("replay", path, "--json")
    assert (again.code, again.json["same"]) == (0, True), again
    for one in facts["inputs"]:
        one["asset"] = "media/" + "0" * 20 if one["role"] == "keep" else one["asset"]
    lost = tmp_path / "manifest.json"
    lost.write_text(json.dumps(facts))
    assert "keep mask 'left.png'. Name it with --keep-plate, or" in served("replay", lost).err


def test_a_replay_elsewhere_finds_the_files_by_content(
    served: Understudy, made: Made, shot: Shot, tmp_path: Path
) -> None:
    """The manifest names assets that this server never heard of."""
    facts = json.loads(made.manifest.read_text())
    for one in facts["inputs"]:
        one["asset"] = "media/" + "0" * 20
    moved = tmp_path / "manifest.json"
    moved.write_text(json.dumps(facts))
    lost = served("replay", moved)
    assert lost.code == 2
    assert "no longer knows the clip 'clip.mp4'. Name it with --clip" in lost.err
    for name in (shot.clip, shot.character, *shot.passes.iterdir()):
        copy = tmp_path / "media" / f"renamed-{name.name}"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(name.read_bytes())
    said = served("replay", moved, "--media", tmp_path / "media")
    assert said.code == 0, said
    assert "has the same pixels as" in said.out
    (tmp_path / "media" / "renamed-hero.png").unlink()
    lost = served("replay", moved, "--media", tmp_path / "media")
    assert lost.code == 2
    assert "The character 'hero.png'" in lost.err
    assert "is in none of the folders. Name it with --character" in lost.err


def test_a_changed_input_another_version_and_the_frames_are_named(
    served: Understudy, made: Made, tmp_path: Path
) -> None:
    facts = json.loads(made.manifest.read_text())
    facts["software"]["torch"] = "1.0"
    older = tmp_path / "manifest.json"
    older.write_text(json.dumps(facts))
    other = tmp_path / "other.png"
    write_png(other, np.full((64, 64, 3), 90, np.uint8))
    said: Said = served("replay", older, "--character", other)
    assert said.code == 1
    assert "Different: frames 0 to " in said.out
    assert "The character is another file: 'other.png'" in said.err
    assert "The version of torch is 2." in said.err
    assert "it was 1.0." in said.err


def test_settings_are_replayed_as_resolved_whatever_the_defaults_are_now(
    served: Understudy, made: Made, tmp_path: Path
) -> None:
    facts: dict[str, Any] = json.loads(made.manifest.read_text())
    facts["request"]["replace"].pop("sampling")  # nothing was asked for: all of it was a default then
    bare = tmp_path / "manifest.json"
    bare.write_text(json.dumps(facts))
    said = served("replay", bare, "--json")
    assert said.code == 0, said
    assert said.json["causes"] == []


def test_a_retake_is_replayed_from_the_take_it_starts_from(
    served: Understudy, made: Made, tmp_path: Path
) -> None:
    retake = ("takes", "retake", made.job, "3:8", "-o", tmp_path / "retake.mkv", "--seed", 9)
    said = served(*retake, "--json")
    assert said.code == 0, said
    [manifest] = [output["path"] for output in said.json["outputs"] if output["kind"] == "manifest"]
    facts = json.loads(Path(manifest).read_text())
    assert facts["request"]["retake"]["span"] == {"start": "3", "end": "8"}
    assert [one["asset"] for one in facts["inputs"] if one["role"] == "base_take"] == [made.job]
    spans = [segment["frames"] for segment in facts["segments"]]
    assert (spans[0][0], spans[-1][1]) == (0, FRAMES)
    said = served("replay", manifest, "--json")
    assert said.code == 0, said
    assert said.json["causes"] == []


def test_what_is_no_manifest_is_refused(served: Understudy, tmp_path: Path) -> None:
    assert "There is no manifest" in served("replay", tmp_path / "none.json").err
    (tmp_path / "x.json").write_text("{}")
    said = served("replay", tmp_path / "x.json")
    assert said.code == 2
    assert "x.json is no manifest of Understudy" in said.err
