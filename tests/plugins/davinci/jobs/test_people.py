"""Who a clip shows, as the window asks for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from understudy_api.errors import JobCancelled
from understudy_api.v1 import analysis_pb2
from understudy_davinci.frames import SourceSpan
from understudy_davinci.jobs.people import Person, find_people
from understudy_davinci.shot import Footage, Note, Progress

FOOTAGE = Footage(path=Path("clip.mov"), span=SourceSpan(10, 58))


class Server:
    """An analysis that finds *names* once it has looked through 48 frames."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[Any] = []
        self.cancelled = False
        self.over = False

    def hand_over(self, path: Path, kind: int) -> Any:
        return SimpleNamespace(name=f"media/{path.name}")

    def create_analysis(self, clip: str, *, range: tuple[int, int]) -> Any:
        self.asked.append((clip, range))
        return SimpleNamespace(name="analyses/1")

    @contextlib.contextmanager
    def watch_analysis(self, name: str) -> Iterator[Iterator[analysis_pb2.Analysis]]:
        yield self._changes()

    def _changes(self) -> Iterator[analysis_pb2.Analysis]:
        for frame in (12, 24, 48):
            yield analysis_pb2.Analysis(progress=analysis_pb2.AnalysisProgress(frame=frame, frames=48))
        self.over = True
        yield self.analysis("analyses/1")

    def analysis(self, name: str) -> analysis_pb2.Analysis:
        return analysis_pb2.Analysis(people=len(self.names) if self.over else 0)

    def wait_for_analysis(self, name: str) -> None:
        assert self.over

    def cancel_analysis(self, name: str) -> None:
        self.cancelled = True

    def people(self, name: str) -> list[analysis_pb2.Person]:
        return [analysis_pb2.Person(name=each, frames_seen=40, thumbnail=b"png") for each in self.names]


def found(server: Server, told: list[Note | Progress], wanted: bool = True) -> tuple[Person, ...]:
    return find_people(server, FOOTAGE, told.append, lambda: wanted)  # type: ignore[arg-type]


def test_everybody_comes_with_a_letter_and_a_picture() -> None:
    server, told = Server("A", "B"), list[Note | Progress]()
    assert found(server, told) == (Person("A", 40, b"png"), Person("B", 40, b"png"))
    assert server.asked == [("media/clip.mov", (10, 58))]
    assert [each.fraction for each in told if isinstance(each, Progress)] == [0.25, 0.5, 1.0]


def test_a_clip_that_shows_nobody_has_no_people() -> None:
    assert found(Server(), []) == ()


def test_a_search_that_nobody_waits_for_is_stopped() -> None:
    server = Server("A")
    with pytest.raises(JobCancelled):
        found(server, [], wanted=False)
    assert server.cancelled
