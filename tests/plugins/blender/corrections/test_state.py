"""What goes wrong while something is put right is told, and the buttons come back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.plugins.blender.support.extension import load

states = load("corrections.state")
session = load("session").session


@pytest.fixture(autouse=True)
def state() -> Iterator[Any]:
    yield states.state
    states.state.leave()


def settled() -> None:
    """Does on this thread what was posted, until nothing is to come."""
    due = time.monotonic() + 60
    while session.errands.pending:
        assert time.monotonic() < due
        session.errands.take(due)


def steps(fails: bool) -> Iterator[None]:
    yield
    if fails:
        raise RuntimeError("context is incorrect")


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in steps"])
def test_a_defect_at_the_end_is_told_and_the_next_one_can_begin(state: Any, at_once: bool) -> None:
    states.begin("points", lambda say: lambda: 1 / 0 if at_once else steps(True))
    settled()
    assert (state.busy, state.failed) == (False, True)
    assert state.text.startswith("Understudy has a defect: ")
    states.begin("points", lambda say: lambda: steps(False))
    assert (state.busy, state.failed, state.text) == (True, False, "asking the server")
    settled()
    assert (state.busy, state.failed, state.text) == (False, False, "")
