"""A clip that is swapped again: the newer version is a take of the result, or lies above it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.support.stage import (
    SWAPPED,
    choice,
    one_clip,
    seen,
    where_ends_count_otherwise,
)
from tests.plugins.davinci.support.timeline import on_track
from understudy_davinci.errors import Refusal
from understudy_davinci.selection import ticket_of

Clips = dict[str, Path]


@pytest.mark.parametrize("profile", ["studio-19.1.3", "studio-20.3.2", "studio-21.1"])
def test_a_second_run_is_a_take_of_the_first(seat: Seat, clips: Clips, tmp_path: Path, profile: str) -> None:
    made = one_clip(seat(profile), clips, tmp_path)
    made.chain.run(made.shot(), choice(handles=6))
    second = made.chain.run(made.shot(), choice(handles=2, seed=1))
    (item,) = on_track(made.artist, 2)
    assert (second.track, second.version, len(item.takes), item.selected_take) == (2, 2, 2, 2)
    assert len(item.markers) == 1
    assert seen(made) == SWAPPED
    third = made.chain.run(made.shot(), choice(seed=2))
    assert (third.version, len(item.takes), item.selected_take) == (3, 3, 3)


def test_a_result_that_is_selected_means_its_clip(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat("studio-21.0.4"), clips, tmp_path)
    made.chain.run(made.shot(), choice())
    made.artist.selects(on_track(made.artist, 2)[0])
    assert made.shot().name == "a.mp4"
    made.artist.selects(on_track(made.artist, 1)[0], on_track(made.artist, 2)[0])
    assert made.shot().name == "a.mp4"
    made.artist.selects(on_track(made.artist, 2)[0])
    made.artist.deletes(on_track(made.artist, 1)[0])
    with pytest.raises(Refusal, match=r"its clip “a\.mp4” is not on this timeline any more"):
        made.chain.select()


@pytest.mark.parametrize(
    ("symbol", "answer"),
    [
        ("TimelineItem.AddTake", False),
        ("TimelineItem.SelectTakeByIndex", False),
        ("TimelineItem.GetSelectedTakeIndex", 1),
    ],
)
def test_where_no_take_can_be_added_the_next_track_takes_it(
    seat: Seat, clips: Clips, tmp_path: Path, symbol: str, answer: object
) -> None:
    made = one_clip(seat(), clips, tmp_path)
    made.chain.run(made.shot(), choice())
    made.standin.faults.answer(symbol, answer, nth=2 if answer == 1 else 1)
    placed = made.chain.run(made.shot(), choice())
    assert (placed.track, placed.version) == (3, 2)
    assert on_track(made.artist, 2)[0].takes == []
    assert seen(made) == SWAPPED


def test_takes_whose_end_counts_otherwise_are_whole_too(clips: Clips, tmp_path: Path) -> None:
    """There the frame behind the last does not exist, and a take up to it is refused."""
    made = where_ends_count_otherwise(clips, tmp_path)
    made.chain.run(made.shot(), choice())
    made.standin.faults.answer("TimelineItem.AddTake", False)
    assert made.chain.run(made.shot(), choice()).track == 2
    assert seen(made) == SWAPPED
    assert on_track(made.artist, 2)[0].source_span == 24


def test_a_version_of_another_length_lies_above(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
    made.chain.run(made.shot(), choice())
    made.artist.marks(86404, 86409)
    placed = made.chain.run(made.shot(), choice())
    assert (placed.track, placed.version) == (3, 2)
    assert [item.duration for item in on_track(made.artist, 3)] == [6]


def test_what_lies_on_the_timeline_tells_its_job(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
    made.chain.run(made.shot(), choice())
    host = made.chain._host
    timeline = host.timeline()
    assert timeline is not None
    ticket = ticket_of(host, host.items(timeline, 2)[0])
    assert ticket is not None
    assert made.jobs.find(ticket.uid)
