"""Where a result belongs: every frame of it over the clip frame that it was made of, wherever the clip has gone."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from understudy_davinci.frames import Rate, RecordSpan
from understudy_davinci.shot import Kind, Media, Mode, Shot
from understudy_davinci.source import read_directly
from understudy_davinci.ticket import Ticket, ticket_for
from understudy_davinci.where import follow

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
