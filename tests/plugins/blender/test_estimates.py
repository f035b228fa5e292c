"""Estimates are asked for beside the drawing, once a choice has stood still."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plugins.blender.support.extension import load
from tests.support.waiting import PATIENCE_S, wait_until

estimates = load("estimates")
spoken = load("_api.spoken")
ranges = load("ranges")
requests = load("request")
server = load("server")


def question(character: str = "hero.png") -> Any:
    return estimates.Question(
        mode=requests.Mode.REPLACE,
        clip=Path("clip.mp4"),
        frames=ranges.ClipRange(0, 24),
        character=Path(character),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Questions that reached the server, which is slow."""
    found: list[Any] = []

    def ask(choice: Any, asked: Any) -> Any:
        time.sleep(0.05)
        found.append(asked)
        return estimates.Estimate(parts=len(found))

    monkeypatch.setattr(estimates, "ask", ask)
    monkeypatch.setattr(estimates, "SETTLE_S", 0.1)
    return found


def test_only_what_stands_still_is_asked_and_only_once(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(estimates, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    told = threading.Event()
    estimator = estimates.Estimator(told.set)
    for number in range(20):  # a slider that is dragged
        estimator.want(server.ServerChoice(), (question(f"{number}.png"),))
        now_s[0] += 0.05
        time.sleep(0.01)
    last = question("19.png")
    now_s[0] += 1
    wait_until(lambda: estimator.answer(last))
    assert told.wait(PATIENCE_S)
    assert asked == [last]
    estimator.want(server.ServerChoice(), (question("18.png"), last))
    now_s[0] += 1
    wait_until(lambda: not estimator.asking)
    assert asked == [last, question("18.png")]


def test_wanting_never_waits_for_the_server(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    answers, real = threading.Event(), estimates.ask

    def ask(choice: Any, wanted: Any) -> Any:
        assert answers.wait(PATIENCE_S)
        return real(choice, wanted)

    monkeypatch.setattr(estimates, "ask", ask)
    estimator = estimates.Estimator(lambda: None)
    estimator.want(server.ServerChoice(), (question(),))
    assert estimator.answer(question()) is None  # as long as the server says nothing
    answers.set()
    wait_until(lambda: estimator.answer(question()))


def test_answers_of_another_server_are_forgotten(asked: list[Any]) -> None:
    estimator = estimates.Estimator(lambda: None)
    estimator.want(server.ServerChoice(), (question(),))
    wait_until(lambda: estimator.answer(question()))
    estimator.forget()
    assert estimator.answer(question()) is None
    estimator.want(server.ServerChoice(), (question(),))
    wait_until(lambda: estimator.answer(question()))
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ((0.2, 0.9), "1 s"),
        ((8.0, 12.4), "8–12 s"),
        ((50.0, 150.0), "1–2 min"),
        ((95.0, 240.0), "2–4 min"),
        ((5400.0, 9000.0), "1.5–2.5 h"),
    ],
)
def test_time_is_told_in_one_unit(seconds: tuple[float, float], text: str) -> None:
    assert spoken.seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(640_000_000, "640 MB"), (1_240_000_000, "1.2 GB"), (23_600_000_000, "24 GB")]
)
def test_memory_is_told_as_it_is_sold(count: int, text: str) -> None:
    assert spoken.bytes_text(count) == text
