"""A newer version of a result: a take on the clip that is there, or nothing."""

from __future__ import annotations

from .append import items_above
from .frames import RecordSpan, SourceSpan
from .host import Host, Item, PoolItem, Timeline
from .selection import ticket_of
from .ticket import Ticket


def results(host: Host, timeline: Timeline, item_id: str, above: int) -> list[tuple[Item, Ticket]]:
    """Results of a clip on the tracks above *above*, the newest first."""
    found = [(item, told) for item in items_above(host, timeline, above) if (told := ticket_of(host, item))]
    return sorted((pair for pair in found if pair[1].item == item_id), key=lambda pair: -pair[1].version)


def take(
    host: Host, timeline: Timeline, item: Item, media: PoolItem, source: SourceSpan, record: RecordSpan
) -> bool:
    """Makes *media* the take that *item* shows. If that does not come out right, *item* is as before, and it is False.

    *timeline* has to be the current one: takes answer nowhere else.
    """
    track = host.track_of(item)[1]
    if host.span(item) != record or host.is_track_locked(timeline, track):
        return False
    before = host.selected_take(item)
    number = _take_of(host, item, media)
    for end in (source.end, source.end - 1):  # the last frame itself, if this Resolve counts takes so
        if not number:
            host.add_take(item, media, source.start, end)
            number = _take_of(host, item, media)
    if number and host.select_take(item, number) and _shows(host, item, media, source, record):
        return True
    _withdraw(host, item, number, before)
    return False


def _take_of(host: Host, item: Item, media: PoolItem) -> int:
    """Its number among the takes; 0: it is none of them."""
    wanted = host.media_id(media)
    for number in range(1, host.takes(item) + 1):
        found = host.take_pool_item(item, number)
        if found and host.media_id(found) == wanted:
            return number
    return 0


def _shows(host: Host, item: Item, media: PoolItem, source: SourceSpan, record: RecordSpan) -> bool:
    shown = host.pool_item(item)
    is_it = shown is not None and host.media_id(shown) == host.media_id(media)
    _, last = host.source_frames(item)  # 0: not told
    is_whole = not last or last - source.start >= record.length
    return is_it and is_whole and host.span(item) == record and host.left_offset(item) == source.start


def _withdraw(host: Host, item: Item, number: int, before: int) -> None:
    if number:
        host.select_take(item, before or 1)
        host.delete_take(item, number)
    if not before and host.takes(item) == 1:
        host.finish_takes(item)  # it had none before
