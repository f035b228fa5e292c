"""Kept passes: by their hash, whole or not at all, and not without end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from understudy_engine.analysis import clip_hash
from understudy_engine.analysis.store import PassStore, key_of
from understudy_engine.analysis.types import Pass
from understudy_engine.weights.hashes import FileHash, file_hash


def write(store: PassStore, number: int, size: int = 1000) -> Path:
    made_of = {"number": number}
    with store.writing(key_of(Pass.POINTS, made_of), made_of) as folder:
        (folder / "points.npy").write_bytes(bytes(size))
    return store.entry(key_of(Pass.POINTS, made_of))


def test_a_key_changes_with_anything_that_a_pass_is_made_of_and_with_nothing_else() -> None:
    key = key_of(Pass.POINTS, {"a": 1, "b": 2})
    assert key == key_of(Pass.POINTS, {"b": 2, "a": 1})
    others = [key_of(Pass.MATTE, {"a": 1, "b": 2}), key_of(Pass.POINTS, {"a": 1, "b": 3})]
    assert len({key, *others}) == 3


def test_an_entry_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    store, key = PassStore(tmp_path), key_of(Pass.POINTS, {})
    with suppress(KeyboardInterrupt), store.writing(key, {}) as folder:
        (folder / "points.npy").write_bytes(b"half")
        raise KeyboardInterrupt
    assert store.find(key) is None
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("lost", ["points.npy", "hashes.json"])
def test_an_entry_that_lost_a_file_is_none(tmp_path: Path, lost: str) -> None:
    store = PassStore(tmp_path)
    entry = write(store, 1)
    assert store.find(key_of(Pass.POINTS, {"number": 1})) == entry
    (entry / lost).unlink()
    assert store.find(key_of(Pass.POINTS, {"number": 1})) is None


def test_beyond_the_limit_what_was_not_used_for_longest_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    entries = [write(PassStore(tmp_path), number) for number in range(4)]
    for age, entry in enumerate(entries):
        os.utime(entry, (100 - age, 100 - age))
    (tmp_path / "notes").mkdir()
    store = PassStore(tmp_path, limit_bytes=3000)
    store.find(key_of(Pass.POINTS, {"number": 3}))  # the oldest, now in use
    store.tidy()
    assert [entry.exists() for entry in entries] == [True, False, False, True]
    PassStore(tmp_path, limit_bytes=0).tidy()
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_what_a_killed_process_left_goes_after_a_day_and_not_while_it_may_be_written(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / f".{name}.partial" for name in ("matte-1.a", "matte-2.b", "else"))
    for folder in (old, fresh, other):
        folder.mkdir()
    for folder in (old, other):
        os.utime(folder, (100, 100))
    PassStore(tmp_path).tidy()
    assert [folder.exists() for folder in (old, fresh, other)] == [False, True, True]


def test_a_clip_is_read_again_only_when_it_looks_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def hashed(path: Path) -> FileHash:
        read.append(path)
        return file_hash(path)

    monkeypatch.setattr(clip_hash, "file_hash", hashed)
    store, clip = PassStore(tmp_path / "passes"), tmp_path / "clip.mkv"
    clip.write_bytes(b"one")
    first = store.clip_sha256(clip)
    assert store.clip_sha256(clip) == first  # just written, it may change unseen: it is read again
    assert len(read) == 2
    os.utime(clip, (1000, 1000))
    assert {store.clip_sha256(clip), PassStore(tmp_path / "passes").clip_sha256(clip)} == {first}
    assert len(read) == 3
    clip.write_bytes(b"two")
    assert store.clip_sha256(clip) != first


def test_a_folder_of_pictures_goes_by_names_and_contents(tmp_path: Path) -> None:
    store, clip = PassStore(tmp_path / "passes"), tmp_path / "clip"
    clip.mkdir()
    (clip / "0001.png").write_bytes(b"one")
    first = store.clip_sha256(clip)
    (clip / "0001.png").rename(clip / "0002.png")
    assert store.clip_sha256(clip) != first
