"""Where a result belongs: every frame of it over the clip frame that it was made of, wherever the clip has gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.support.stage import CUT, SWAPPED, Stage, choice, one_clip, seen
from tests.plugins.davinci.support.timeline import on_track, shown
from understudy_davinci.frames import Rate, RecordSpan
from understudy_davinci.shot import Kind, Media, Mode, Shot
from understudy_davinci.source import read_directly
from understudy_davinci.ticket import Ticket, ticket_for
from understudy_davinci.where import follow

Clips = dict[str, Path]
FRAMES = 400


@st.composite
def shots(draw: st.DrawFn) -> Shot:
    """A part of a cut of a clip of 400 frames."""
    first = draw(st.integers(0, FRAMES - 1))
    length = draw(st.integers(1, FRAMES - first))
    start = draw(st.integers(0, 10**6))
    part_start = draw(st.integers(start, start + length - 1))
    part_end = draw(st.integers(part_start + 1, start + length))
    rate = Rate.read("24")
    return Shot(
        name="a.mov",
        kind=Kind.FILE,
        project="p",
        timeline="t",
        item="i",
        track=1,
        cut=RecordSpan(start, start + length),
        part=RecordSpan(part_start, part_end),
        rate=rate,
        left_offset=first,
        media=Media(file=Path("a.mov"), frames=FRAMES, rate=rate, timecode="10:00:00:00"),
    )


def ticket(shot: Shot, handles: int) -> Ticket:
    return ticket_for("u", Mode.REPLACE, "title", shot, read_directly(shot, handles), ("matte",))


@given(shot=shots(), handles=st.integers(0, 40))
def test_what_has_not_moved_is_covered_exactly(shot: Shot, handles: int) -> None:
    told = ticket(shot, handles)
    record, source = follow(told, shot.cut, shot.left_offset)
    assert record == shot.part
    assert source.start == told.before
    assert source.length == shot.part.length


@given(
    shot=shots(),
    handles=st.integers(0, 40),
    start=st.integers(0, 10**6),
    first=st.integers(0, FRAMES - 1),
    length=st.integers(1, FRAMES),
)
def test_however_it_was_moved_trimmed_and_slipped_it_stays_in_sync(
    shot: Shot, handles: int, start: int, first: int, length: int
) -> None:
    """Record frame r of the clip shows source frame first + r - start; so does the result's."""
    footage = read_directly(shot, handles)
    told = ticket(shot, handles)
    record, source = follow(told, RecordSpan(start, start + length), first)
    assert record.length == source.length
    assert record.length == len(set(range(*told.source)) & set(range(first, first + length)))
    if record.length:
        made_of = footage.span.start + source.start  # the clip frame that the result's first one was made of
        assert made_of == first + record.start - start
        assert told.before <= source.start
        assert source.end <= footage.span.length - told.behind


@given(shot=shots(), handles=st.integers(0, 40))
def test_a_ticket_survives_the_marker(shot: Shot, handles: int) -> None:
    told = ticket(shot, handles)
    assert Ticket.from_json(told.to_json()) == told


@given(
    text=st.text() | st.sampled_from(["{}", "[]", "null", '{"understudy":1}', '{"understudy":1,"shown":[1]}'])
)
def test_what_others_write_into_markers_is_no_ticket(text: str) -> None:
    assert Ticket.from_json(text) is None


@given(shot=shots(), handles=st.integers(0, 40))
def test_the_result_has_the_clips_timecode(shot: Shot, handles: int) -> None:
    first = read_directly(shot, handles).span.start
    seconds, frames = divmod(first, 24)
    assert ticket(shot, handles).timecode == f"10:00:{seconds:02}:{frames:02}"


# ---- What the artist does meanwhile --------------------------------------------------------------------------


def meanwhile(made: Stage, act: Any) -> tuple[str, ...]:
    made.jobs.meanwhile = act
    return made.chain.run(made.shot(), choice(handles=6)).notes


def test_a_clip_that_was_moved_is_followed(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
    meanwhile(made, lambda: made.artist.moves(on_track(made.artist, 1)[0], 90000))
    assert shown(made.artist, 90000, 90024) == SWAPPED


def test_a_clip_that_was_trimmed_is_covered_as_far_as_it_goes(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = one_clip(seat(), clips, tmp_path)

    def trim() -> None:
        item = on_track(made.artist, 1)[0]
        item.start, item.source_start, item.duration, item.source_span = 86404, 14, 10, 10

    notes = meanwhile(made, trim)
    assert shown(made.artist, 86404, 86414) == SWAPPED[4:14]
    assert any("trimmed meanwhile; the result shows the 10 frames" in note for note in notes)


@pytest.mark.parametrize("trimmed", [False, True])
def test_a_clip_of_another_rate_is_followed_where_it_goes_and_not_where_it_is_trimmed(
    seat: Seat, clips: Clips, tmp_path: Path, trimmed: bool
) -> None:
    artist = seat()
    item = artist.places(artist.imports(clips["ntsc"]), CUT.start)
    artist.looks_at(CUT.start)
    made = Stage(artist, tmp_path)

    def move() -> None:
        item.start, item.duration = 90000, item.duration - 5 * trimmed

    notes = meanwhile(made, move)
    (result,) = on_track(artist, 2)
    assert result.start == (CUT.start if trimmed else 90000)
    assert any("trimmed or retimed meanwhile" in note for note in notes) == trimmed


def test_the_result_of_a_clip_that_is_gone_lies_where_it_was(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = one_clip(seat(), clips, tmp_path)
    notes = meanwhile(made, lambda: made.artist.deletes(on_track(made.artist, 1)[0]))
    assert seen(made) == SWAPPED
    assert any("is gone" in note for note in notes)


def test_another_open_timeline_stays_open(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
    edit = made.artist.timeline
    meanwhile(made, lambda: made.artist.new_timeline("Trailer"))
    assert made.artist.timeline.name == "Trailer"
    made.artist.opens_timeline(edit)
    assert seen(made) == SWAPPED
