"""What was put right goes to the server in messages that are small enough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plugins.blender.support.extension import load

asking = load("corrections.asking")


class FakeClient:
    """Takes notes of what it is told."""

    def __init__(self) -> None:
        self.corrected: dict[Any, Any] = {}
        self.mattes: list[list[int]] = []

    def correct(self, name: str, corrections: dict[Any, Any]) -> None:
        self.corrected = corrections

    def update_analysis(self, request: Any) -> None:
        self.mattes.append([each.frame for each in request.set_mattes])

    @contextmanager
    def watch_analysis(self, name: str) -> Iterator[list[Any]]:
        yield []

    def wait_for_analysis(self, name: str) -> None: ...

    def analysis(self, name: str) -> Any:
        return SimpleNamespace(passes=SimpleNamespace(keypoints="media/k", face_boxes="media/f", matte=""))

    def download(self, source: str, to: Path) -> Path:
        to.write_text(source, "utf-8")
        return to


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    found = FakeClient()

    @contextmanager
    def connect(choice: Any, say: Any) -> Iterator[FakeClient]:
        yield found

    monkeypatch.setattr(asking.server, "connect", connect)
    return found


def send(folder: Path, **changes: Any) -> dict[str, Path]:
    made: dict[str, Path] = asking.send(
        None, "analyses/1", asking.Changes(**changes), folder, lambda *_: None
    )
    return made


def test_points_are_sent_and_the_passes_that_come_of_them_fetched(client: FakeClient, tmp_path: Path) -> None:
    points = {(3, "nose"): (1.0, 2.0)}
    made = send(tmp_path, points=points)
    assert client.corrected == points
    assert client.mattes == []
    assert {name: path.read_text("utf-8") for name, path in made.items()} == {
        "keypoints": "media/k",
        "face_boxes": "media/f",
    }


def test_mattes_that_fit_one_message_make_one(client: FakeClient, tmp_path: Path) -> None:
    send(tmp_path, mattes={5: b"abc", 4: b"abc"})
    assert client.mattes == [[4, 5]]


def test_more_mattes_than_fit_one_message_make_several(
    client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MATTES_AT_ONCE_BYTES", 10)
    send(tmp_path, mattes=dict.fromkeys(range(5), b"abcd") | {9: bytes(50)})
    assert client.mattes == [[0, 1], [2, 3], [4], [9]]
