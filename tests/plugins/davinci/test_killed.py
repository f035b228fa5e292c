"""A run killed at any of its changes, or refused any of them, leaves nothing half done: the next run puts it right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.plugins.davinci.conftest import Laid
from tests.plugins.davinci.resolve_standin import PluginKilled, breaches
from tests.plugins.davinci.resolve_standin.standin import CHANGES
from tests.plugins.davinci.support.bench import (
    AS_SEEN,
    BEFORE_THE_SWAP,
    FROM_THE_FILE,
    OF_THE_WINDOW,
    OURS,
    RENDERED,
    Bench,
)
from tests.plugins.davinci.support.timeline import names
from understudy_api.errors import UnderstudyError
from understudy_davinci.errors import Refusal
from understudy_davinci.shot import Way


@pytest.fixture(autouse=True)
def memory_for_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is killed here is a plugin, not a machine: files need not reach the platter."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def changes_of(bench: Bench) -> Iterator[tuple[str, int]]:
    """Every call of a run that changes something: its symbol, and the how-manieth of that symbol.

    Of a run in which Resolve renders only the calls up to the end of that: what follows is every run's.
    """
    bench.run()
    counted: dict[str, int] = {}
    for call in bench.artist.standin.log.calls:
        if call.symbol == "Timeline.AddMarker" and bench.choice.source is not Way.FILE:
            return
        if call.name.startswith(CHANGES):
            counted[call.symbol] = counted.get(call.symbol, 0) + 1
            yield call.symbol, counted[call.symbol]


@pytest.mark.parametrize("wanted", [FROM_THE_FILE, RENDERED, AS_SEEN], ids=["file", "rendered", "as seen"])
def test_a_whole_run_leaves_the_result_and_nothing_else(bench: Laid, wanted: dict[str, Any]) -> None:
    done = bench(wanted)
    assert done.shows() == BEFORE_THE_SWAP
    (placed,) = done.run()
    assert (placed.track, placed.version) == (2, 1)
    assert [*done.left_over(), *done.differs()] == []
    assert breaches(done.artist.standin.log, done.artist.standin.profile) == []


@pytest.mark.parametrize(
    ("wanted", "after"),
    [(FROM_THE_FILE, False), (FROM_THE_FILE, True), (RENDERED, False), (RENDERED, True), (AS_SEEN, True)],
    ids=["before, file", "after, file", "before, rendered", "after, rendered", "after, as seen"],
)
def test_killed_at_any_change_the_next_run_ends_as_if_nothing_had_been(
    bench: Laid, wanted: dict[str, Any], after: bool
) -> None:
    wrong = {}
    for symbol, nth in list(changes_of(bench(wanted))):
        killed = bench(wanted)
        killed.artist.standin.faults.kill(symbol, nth=nth, after=after)
        with pytest.raises(PluginKilled):
            killed.run()
        killed.next_run()
        if found := [*killed.left_over(), *killed.differs()]:
            wrong[f"{symbol} {nth}"] = found
    assert wrong == {}


@pytest.mark.parametrize("fault", ["answer", "lie"])
@pytest.mark.parametrize("wanted", [FROM_THE_FILE, RENDERED], ids=["file", "rendered"])
def test_refused_any_change_the_run_ends_well_or_leaves_the_timeline_as_before(
    bench: Laid, wanted: dict[str, Any], fault: str
) -> None:
    """ "answer": it says no and does nothing; "lie": it says no and has done it."""
    wrong = {}
    for symbol, nth in list(changes_of(bench(wanted))):
        refused = bench(wanted)
        getattr(refused.artist.standin.faults, fault)(symbol, False, nth=nth)
        if found := [*after_a_refusal(refused), *unsaid(refused)]:
            wrong[f"{symbol} {nth}"] = found
    assert wrong == {}


@pytest.mark.parametrize(
    ("wanted", "first"),
    [(FROM_THE_FILE, 1), (RENDERED, 3), (AS_SEEN, 5)],
    ids=["file", "rendered", "as seen"],
)
def test_one_call_of_any_kind_that_answers_none_leaves_nothing_wrong(
    bench: Laid, wanted: dict[str, Any], first: int
) -> None:
    """Readings too: a handle that was dead for a moment. Every twelfth call; all of them take 15 s."""
    whole = bench(wanted)
    whole.run()
    wrong = {}
    for number, call in list(enumerate(whole.artist.standin.log.calls, 1))[first::12]:
        failed = bench(wanted)
        failed.artist.standin.faults.answer("*", None, nth=number)
        if found := [*after_a_refusal(failed), *unsaid(failed)]:
            wrong[f"{number} {call.symbol}"] = found
    assert wrong == {}


def after_a_refusal(refused: Bench) -> list[str]:
    """Runs, and where that ends with a sentence, runs again; else the next start tidies what is left."""
    try:
        refused.run()
    except (Refusal, UnderstudyError):
        as_before = refused.shows() == BEFORE_THE_SWAP and names(refused.artist) == ["Video 1", "Video 2"]
        refused.next_run()
        return [] if as_before else ["the timeline was not as before"]
    refused.artist.standin.faults.clear()
    refused.started()
    return []


def unsaid(bench: Bench) -> list[str]:
    """What is not as it should be, but for what the artist was told of: to put right by hand, or a layer's absence."""
    if any("only in the media pool" in told for told in bench.said):
        bench.choice = replace(bench.choice, layers=())
    found = [*bench.left_over(), *bench.differs()]
    if not any("by hand" in told for told in bench.said):
        return found
    return [each for each in found if each not in OF_THE_WINDOW and OURS not in each]
