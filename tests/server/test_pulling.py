"""Fetching the model: resumed, held against its hashes, and in its place only when it is whole."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.support.hub import COMMIT, Hub, serving
from understudy_engine.errors import DiskFull, WeightsMismatch, WeightsMissing
from understudy_engine.weights.hashes import check_hashes, read_hashes
from understudy_engine.weights.release import FILES, ReleaseFile, Use
from understudy_server import fetching
from understudy_server.pulling import DEFAULT_USES, Progress, look_up, pull

REPO, NETS = "them/model", "others/nets"
SHARD = bytes(range(256)) * 100_000  # huggingface_hub keeps pieces of 10 MB of what breaks off
TABLE = (
    ReleaseFile("index.json", Use.MODEL, repository=REPO, revision="main"),
    ReleaseFile("shard.safetensors", Use.MODEL, repository=REPO, revision="main"),
    ReleaseFile("text.pth", Use.PROMPTS, repository=REPO, revision="main"),
    ReleaseFile("pose/*", Use.POINTS, repository=REPO, revision="main"),
    ReleaseFile(
        "detector/model.safetensors",
        Use.DETECTOR,
        repository=NETS,
        revision="main",
        source="model.safetensors",
    ),
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    hub.files = {
        (REPO, "index.json"): b"{}",
        (REPO, "shard.safetensors"): SHARD,
        (REPO, "text.pth"): b"words" * 1000,
        (REPO, "pose/a"): b"a",
        (REPO, "pose/b"): b"b",
        (NETS, "model.safetensors"): b"net" * 100,
    }
    with serving(hub):
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr(fetching, "RETRY_S", (0.0,))
        monkeypatch.setattr(fetching, "POLL_S", 0.01)
        yield hub


def test_everything_is_looked_up_first_with_sizes_hashes_and_one_revision(hub: Hub) -> None:
    found = look_up(DEFAULT_USES, TABLE)
    assert [file.name for file in found] == [
        "detector/model.safetensors",  # the one with a licence that anyone can live with comes first
        "index.json",
        "shard.safetensors",
        "text.pth",
        "pose/a",
        "pose/b",
    ]
    shard = found[2]
    assert (shard.size_bytes, shard.revision) == (len(SHARD), COMMIT)
    assert shard.sha256 == hashlib.sha256(SHARD).hexdigest()


def test_a_pulled_model_is_whole_and_knows_its_hashes(hub: Hub, tmp_path: Path) -> None:
    told: list[Progress] = []
    folder = tmp_path / "models" / "large"
    assert pull(folder, look_up(DEFAULT_USES, TABLE), told.append)
    assert (folder / "shard.safetensors").read_bytes() == SHARD
    assert (folder / "detector" / "model.safetensors").read_bytes() == b"net" * 100
    assert len(read_hashes(folder)) == 6
    check_hashes(folder, "", required=True)
    assert [file.name for file in folder.parent.iterdir()] == ["large"]
    assert told[-1].done_bytes == told[-1].total_bytes == sum(map(len, hub.files.values()))


def test_what_broke_off_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    folder, files = tmp_path / "models" / "large", look_up(DEFAULT_USES, TABLE)
    hub.breaks_at = {"shard.safetensors": 22_000_000}
    with pytest.raises(
        WeightsMissing, match=r"shard\.safetensors broke off at 0\.02 of 0\.03 GB \(HTTP 500\).*kept"
    ):
        pull(folder, files)
    assert not folder.exists()  # no server takes half a model for one
    hub.broken.clear()
    hub.asked.clear()
    assert pull(folder, look_up(DEFAULT_USES, TABLE))
    assert (folder / "shard.safetensors").read_bytes() == SHARD
    asked = dict(hub.asked)
    assert "model.safetensors" not in asked  # was here already
    begun = int(asked["shard.safetensors"].removeprefix("bytes=").rstrip("-"))
    assert 10_000_000 <= begun <= 22_000_000


def test_a_file_that_arrives_altered_is_deleted_and_named(hub: Hub, tmp_path: Path) -> None:
    hub.altered = {"text.pth": b"sword" * 1000}
    with pytest.raises(WeightsMismatch, match=r"text\.pth arrived damaged"):
        pull(tmp_path / "large", look_up(DEFAULT_USES, TABLE))
    hub.altered = {}
    assert pull(tmp_path / "large", look_up(DEFAULT_USES, TABLE))


def test_a_second_pull_fetches_what_is_new_alone(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    assert pull(folder, look_up([Use.MODEL, Use.PROMPTS], TABLE))
    hub.asked.clear()
    assert pull(folder, look_up(DEFAULT_USES, TABLE))
    assert sorted(name for name, _ in hub.asked) == ["model.safetensors", "pose/a", "pose/b"]
    assert len(read_hashes(folder)) == 6


def test_nets_alone_wait_for_the_model(hub: Hub, tmp_path: Path) -> None:
    assert not pull(tmp_path / "large", look_up([Use.DETECTOR], TABLE))
    assert not (tmp_path / "large").exists()
    hub.asked.clear()
    assert pull(tmp_path / "large", look_up(DEFAULT_USES, TABLE))
    assert (tmp_path / "large" / "detector" / "model.safetensors").is_file()
    assert "model.safetensors" not in dict(hub.asked)


def test_a_full_disk_is_told_before_anything_is_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = look_up(DEFAULT_USES, TABLE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(DiskFull, match="6 files of"):
        pull(tmp_path / "large", files)
    assert not hub.asked


def test_a_hub_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsMissing, match="did not tell what is in them/model"):
        look_up([Use.MODEL], TABLE)


def test_another_file_than_was_published_is_refused(hub: Hub) -> None:
    table = [ReleaseFile("text.pth", Use.PROMPTS, sha256="0" * 64, repository=REPO, revision="main")]
    with pytest.raises(WeightsMismatch, match=r"text\.pth at the hub is not the file that was published"):
        look_up([Use.PROMPTS], table)
    with pytest.raises(WeightsMissing, match=r"has no lost\.pth"):
        look_up([Use.MODEL], [ReleaseFile("lost.pth", Use.MODEL, repository=REPO, revision="main")])


def test_the_table_of_the_release_is_complete_and_free_of_the_agpl() -> None:
    assert sum(file.size_bytes for file in FILES if file.use is Use.MODEL) > 39e9
    assert {file.use for file in FILES} == set(Use)
    assert all("yolo" not in file.name for file in FILES)
    assert json.dumps([file.licence for file in FILES]).count("Apache-2.0") == len(FILES)
