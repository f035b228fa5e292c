"""How the artist left Resolve: page, timeline, bin, marks, playhead. Read before a change, put back after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Self

from .errors import Refusal
from .host import Host
from .host.timeline import Marks
from .journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    page: str
    timeline: str  # id; "" where none was open
    folder: str  # id of the current bin
    playhead: str
    marks: Marks | None  # None where Resolve cannot tell them

    def facts(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Self:
        found = {name: facts[name] for name in cls.__slots__}
        marks = found["marks"]
        if marks is not None:
            found["marks"] = Marks(tuple(marks["video"]), tuple(marks["audio"]))
        return cls(**found)


def read(host: Host) -> State:
    timeline = host.timeline()
    return State(
        page=host.page(),
        timeline=host.timeline_id(timeline) if timeline else "",
        folder=host.bin_id(host.current_bin()),
        playhead=host.playhead(timeline) if timeline else "",
        marks=host.marks(timeline) if timeline else None,
    )


@contextmanager
def kept(host: Host, journal: Journal) -> Iterator[list[str]]:
    """All is put back at the end, whatever happens; what could not be is in the list, a sentence each."""
    state = read(host)
    journal.note("state", **state.facts())
    notes: list[str] = []
    try:
        yield notes
    finally:
        failed = put_back(host, state)
        notes.extend(failed)
        if not failed:
            journal.note("state_back")


def put_back(host: Host, state: State, *, playhead: bool = True) -> list[str]:
    """The sentences tell what is not as it was. Nothing is touched that is as it was; marks go with the *playhead*."""
    attempts: list[tuple[str, Callable[[], bool]]] = [
        ("the open timeline", lambda: _timeline(host, state)),
        ("the page", lambda: _page(host, state)),
        ("the open bin", lambda: _folder(host, state)),
    ]
    if playhead:
        attempts.append(
            ("the in and out marks", lambda: _marks(host, state))
        )  # after the page: Deliver changes them
        attempts.append(("the playhead", lambda: _playhead(host, state)))
    failed = [what for what, attempt in attempts if not succeeds(attempt)]
    return [f"Resolve would not put back {what}; please do so by hand." for what in failed]


def succeeds(attempt: Callable[[], bool]) -> bool:
    """Whether it says so; no where Resolve refuses."""
    try:
        return attempt()
    except Refusal:
        return False


def _timeline(host: Host, state: State) -> bool:
    if not state.timeline:
        return True
    found = host.timeline_by_id(state.timeline)
    if found is None:
        return False
    host.show_timeline(found)
    return True


def _page(host: Host, state: State) -> bool:
    if state.page:
        host.open_page(state.page)
    return True


def _folder(host: Host, state: State) -> bool:
    if host.bin_id(host.current_bin()) == state.folder:
        return True
    found = host.bin_by_id(state.folder)
    if found is None:
        return False
    host.open_bin(found)
    return True


def _marks(host: Host, state: State) -> bool:
    timeline = host.timeline()
    if timeline is None or state.marks is None:
        return True
    return host.set_marks(timeline, state.marks)


def _playhead(host: Host, state: State) -> bool:
    timeline = host.timeline()
    if timeline is None or not state.playhead or host.playhead(timeline) == state.playhead:
        return True
    return host.set_playhead(timeline, state.playhead)
