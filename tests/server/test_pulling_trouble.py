"""Pulling where things go wrong: hubs that refuse, answer nonsense or lie, files that changed, disks, two at once."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.support.hub import Hub, serving
from understudy_engine.errors import DiskFull, RequestError, WeightsMismatch, WeightsMissing
from understudy_engine.weights.hashes import HASHES, check_hashes, read_hashes
from understudy_engine.weights.release import ReleaseFile, Use
from understudy_server import fetching, pulling
from understudy_server.presence import held
from understudy_server.pulling import look_up, pull

REPO = "them/model"
SHARD, PAGE = bytes(range(256)) * 400, b"<html>Sign in to the hotel's network</html>"
TABLE = (
    ReleaseFile("index.json", Use.MODEL, repository=REPO, revision="main"),
    ReleaseFile("shard.safetensors", Use.MODEL, repository=REPO, revision="main"),
    ReleaseFile("pose/*", Use.PROMPTS, repository=REPO, revision="main"),
)
USES = (Use.MODEL, Use.PROMPTS)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    hub.files = {(REPO, "index.json"): b"{}", (REPO, "shard.safetensors"): SHARD, (REPO, "pose/a"): b"a"}
    with serving(hub):
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setattr(fetching, "RETRY_S", (0.0, 0.0))
        monkeypatch.setattr(fetching, "POLL_S", 0.01)
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models" / "large"


def begun(folder: Path, content: bytes) -> Path:
    """What a pull before this one has left of the shard."""
    name = f"shard.safetensors.{hashlib.sha256(SHARD).hexdigest()[:12]}"
    file = folder.with_name(".large.pulling") / pulling.FETCHED / name
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


def is_whole(folder: Path) -> bool:
    check_hashes(folder, "", required=True)
    return (folder / "shard.safetensors").read_bytes() == SHARD and len(read_hashes(folder)) == 3


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "set HF_TOKEN"),
        (403, "accept the model's terms"),
        (404, "newer version of Understudy"),
        (429, "wait some minutes"),
        (503, "try again later"),
    ],
)
def test_what_the_hub_says_becomes_what_to_do(hub: Hub, status: int, remedy: str) -> None:
    hub.answers["/api/models/"] = [(status, b"no")] * 9
    with pytest.raises(
        WeightsMissing, match=rf"did not tell what is in {REPO} \(HTTP {status}\)\. .*{remedy}"
    ):
        look_up(USES, TABLE)


def test_what_passes_by_itself_is_waited_for(hub: Hub, folder: Path) -> None:
    hub.answers["shard"] = [(503, b""), (500, b"")]
    assert pull(folder, look_up(USES, TABLE))
    assert is_whole(folder)


def test_a_page_in_place_of_a_file_spoils_nothing_of_what_is_here(hub: Hub, folder: Path) -> None:
    files, file = look_up(USES, TABLE), begun(folder, SHARD[:50_000])
    hub.answers["shard"] = [(206, PAGE)]
    with pytest.raises(WeightsMissing, match=r"shard\.safetensors broke off at .*What is here is kept"):
        pull(folder, files)
    assert file.read_bytes() == SHARD[:50_000]
    assert pull(folder, files)
    assert is_whole(folder)
    assert dict(hub.asked)["shard.safetensors"] == "bytes=50000-"


def test_more_than_the_whole_file_is_begun_anew(hub: Hub, folder: Path) -> None:
    begun(folder, SHARD + b"more")
    assert pull(folder, look_up(USES, TABLE))
    assert is_whole(folder)


@pytest.mark.parametrize("name", ["pose/../../../stolen", "pose/..\\stolen"])
def test_a_hub_that_names_files_outside_of_its_folder_is_refused(hub: Hub, name: str) -> None:
    hub.files[REPO, name] = b"harm"
    with pytest.raises(WeightsMismatch, match=r"names a file outside of its folder.*Nothing was fetched"):
        look_up(USES, TABLE)


def test_a_file_that_is_altered_afterwards_is_fetched_again(hub: Hub, folder: Path) -> None:
    """Which is what `models verify` says to do."""
    files = look_up(USES, TABLE)
    assert pull(folder, files)
    (folder / "shard.safetensors").write_bytes(SHARD[:-1] + b"x")
    (folder / "index.json").write_bytes(b"[]")
    with pytest.raises(WeightsMismatch, match=r"index\.json is altered.*; shard\.safetensors is altered"):
        check_hashes(folder, "Pull the model again.")
    hub.asked.clear()
    assert pull(folder, files)
    assert is_whole(folder)
    assert sorted(name for name, _ in hub.asked) == ["index.json", "shard.safetensors"]


def test_a_damaged_list_of_hashes_is_made_anew(hub: Hub, folder: Path) -> None:
    files = look_up(USES, TABLE)
    assert pull(folder, files)
    (folder / HASHES).write_text("{")
    hub.asked.clear()
    assert pull(folder, files)
    assert is_whole(folder)
    assert [name for name, _ in hub.asked] == ["index.json"]  # of which the hub tells no hash


def test_what_came_whole_just_before_a_pull_was_killed_is_not_lost(hub: Hub, folder: Path) -> None:
    """The file is in its place, and the list of hashes does not know it yet."""
    partial = folder.with_name(".large.pulling")
    partial.mkdir(parents=True)
    (partial / "shard.safetensors").write_bytes(SHARD)
    assert pull(folder, look_up(USES, TABLE))
    assert is_whole(folder)
    assert "shard.safetensors" not in dict(hub.asked)


def test_a_second_pull_at_the_same_time_is_told(hub: Hub, folder: Path) -> None:
    folder.parent.mkdir()
    with (
        held(folder.with_name(".large.lock")),
        pytest.raises(RequestError, match=r"Another command is writing .*large\. Wait until it is done"),
    ):
        pull(folder, look_up(USES, TABLE))
    assert pull(folder, look_up(USES, TABLE))


def test_a_link_in_place_of_the_folder_leads_to_where_files_are_fetched(
    hub: Hub, folder: Path, tmp_path: Path
) -> None:
    """As the documentation allows; the other disk has the room."""
    elsewhere = tmp_path / "large disk" / "model"
    elsewhere.mkdir(parents=True)
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    assert pull(folder, look_up(USES, TABLE))
    assert is_whole(elsewhere)
    assert folder.is_symlink()
    assert [file.name for file in folder.parent.iterdir()] == ["large"]


def test_a_place_that_cannot_be_written_is_told(hub: Hub, folder: Path) -> None:
    folder.parent.write_text("a file, where the data folder should have one")
    with pytest.raises(RequestError, match=r"large cannot be written: File exists .*models\)"):
        pull(folder, look_up(USES, TABLE))


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "The disk is full: shard"),
        (errno.EFBIG, r"cannot hold files as large as shard.* .FAT32"),
    ],
)
def test_a_disk_that_fills_up_meanwhile_is_told(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def append(file: ReleaseFile, stream: object) -> None:
        raise OSError(number, os.strerror(number))

    files = look_up([Use.MODEL], TABLE)[1:]
    with monkeypatch.context() as full:
        full.setattr(fetching, "_append", append)
        with pytest.raises(DiskFull, match=told):
            pull(folder, files)
    assert pull(folder, look_up(USES, TABLE))
