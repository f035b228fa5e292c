"""Where a result belongs now: with its clip, which the artist may have moved, trimmed or deleted meanwhile."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from .frames import RecordSpan, SourceSpan
from .host import Host, Item, Timeline
from .ticket import Ticket

NEIGHBOURS = 3  # on either side of a clip, where its transitions are


@dataclass(frozen=True, slots=True)
class Where:
    record: RecordSpan
    source: SourceSpan  # of the result's file: its handles lie outside
    item: Item | None  # the clip; None: it is gone
    note: str = ""  # what the artist should know


def where_now(host: Host, timeline: Timeline, ticket: Ticket) -> Where:
    """In sync with the clip as it lies now, or where it lay."""
    item = host.item_with_id(timeline, ticket.item)
    if item is None:
        return Where(*_as_it_was(ticket), None, f"“{ticket.name}” is gone; the result lies where it was.")
    if ticket.moves_only:
        return _moved(host, ticket, item)
    record, source = follow(ticket, host.span(item), host.left_offset(item))
    if not record.length:
        text = f"“{ticket.name}” shows none of the swapped frames any more; the result lies where it was."
        return Where(*_as_it_was(ticket), item, text)
    note = ""
    if record.length < ticket.source.length:
        note = f"“{ticket.name}” was trimmed meanwhile; the result shows the {record.length} frames it still has."
    return Where(record, source, item, note)


def follow(ticket: Ticket, cut: RecordSpan, first: int) -> tuple[RecordSpan, SourceSpan]:
    """The swapped frames that a clip over *cut*, from source frame *first* on, still shows; of length 0: none."""
    start = max(ticket.source.start, first)
    end = max(start, min(ticket.source.end, first + cut.length))
    record = cut.start + start - first
    source = start - ticket.source.start + ticket.before
    length = end - start
    return RecordSpan(record, record + length), SourceSpan(source, source + length)


def touched_by_transition(host: Host, timeline: Timeline, item: Item) -> bool:
    """Whether a transition lies on an edge of *item*: nothing else of its track can lie over it."""
    cut = host.span(item)
    track = host.items(timeline, host.track_of(item)[1])  # from left to right
    here = bisect_left(track, cut.start, key=lambda each: host.span(each).start)
    near = track[max(0, here - NEIGHBOURS) : here + NEIGHBOURS + 1]
    return any(host.pool_item(each) is None and host.span(each).overlap(cut).length for each in near)


def _moved(host: Host, ticket: Ticket, item: Item) -> Where:
    """Of a retimed clip: its speed cannot be asked, so its place is all that is followed."""
    cut = host.span(item)
    record, source = _as_it_was(ticket)
    if cut.length != ticket.length:
        text = f"“{ticket.name}” was trimmed or retimed meanwhile; the result lies where it was."
        return Where(record, source, item, text)
    shift = cut.start - ticket.start
    return Where(RecordSpan(record.start + shift, record.end + shift), source, item)


def _as_it_was(ticket: Ticket) -> tuple[RecordSpan, SourceSpan]:
    return follow(ticket, ticket.cut, ticket.first)
