"""Putting a clip onto a timeline, and making sure that it is there.

Resolve answers with clips that do not exist when the place is taken or the track locked, moves them to where there is
room, or answers nothing. So the timeline is looked at before and after, and what came where it should not is taken
away again.
"""

from __future__ import annotations

from .errors import CallFailed
from .frames import RecordSpan, SourceSpan
from .host import Host, Item, PoolItem, Timeline


def put(
    host: Host, timeline: Timeline, media: PoolItem, source: SourceSpan, track: int, record: RecordSpan
) -> Item:
    """The clip that shows *source* of *media* on video *track* over *record*. *timeline* has to be the current one.

    Raises:
        CallFailed: it did not come to lie there. What lies on the timeline is as before.
    """
    before = ids_on(host, timeline)
    came: RecordSpan | None = None
    end = source.end
    for _ in range(2):
        if not host.is_shown(timeline):
            break
        answered = host.append(media, SourceSpan(source.start, end), track, record.start)
        _remove_strays(host, timeline, answered)
        new = arrived(host, timeline, before, media)
        if len(new) == 1 and _lies(host, new[0], source.start, track, record):
            return new[0]
        came = host.span(new[0]) if new else None
        if new:
            host.delete_items(timeline, new)
        if came is None or came.start != record.start or abs(came.length - record.length) != 1:
            break
        end += record.length - came.length  # this Resolve counts ends otherwise than its documents say
    raise _refused(host, timeline, track, record, came)


def _remove_strays(host: Host, timeline: Timeline, answered: list[Item]) -> None:
    """Takes away what fell onto another timeline, which the artist opened at that moment."""
    current = host.timeline()
    if current is None or host.is_shown(timeline):
        return
    there = ids_on(host, current)
    if strays := [item for item in answered if host.item_id(item) in there]:
        host.delete_items(current, strays)


def _lies(host: Host, item: Item, first: int, track: int, record: RecordSpan) -> bool:
    at = (host.span(item), host.track_of(item)[1], host.left_offset(item))
    return at == (record, track, first)


def ids_on(host: Host, timeline: Timeline) -> set[str]:
    """Of all that lies on video tracks."""
    return {host.item_id(item) for item in all_items(host, timeline)}


def all_items(host: Host, timeline: Timeline) -> list[Item]:
    return [
        item for track in range(1, host.track_count(timeline) + 1) for item in host.items(timeline, track)
    ]


def arrived(host: Host, timeline: Timeline, before: set[str], media: PoolItem) -> list[Item]:
    """Clips of *media* that were not there *before*."""
    wanted = host.media_id(media)
    return [
        item
        for item in all_items(host, timeline)
        if host.item_id(item) not in before and _shows(host, item, wanted)
    ]


def _shows(host: Host, item: Item, media_id: str) -> bool:
    found = host.pool_item(item)
    return found is not None and host.media_id(found) == media_id


def _refused(
    host: Host, timeline: Timeline, track: int, record: RecordSpan, came: RecordSpan | None
) -> CallFailed:
    if not host.is_shown(timeline):
        cause = "another timeline was opened"
    elif came is None:
        cause = "Resolve said that it did, and nothing lies there"
    elif came.start != record.start:
        cause = f"Resolve moved it to frame {came.start}, where there was room"
    else:
        cause = f"it became {came.length} frames long"
    arguments = {"track": track, "start": record.start, "frames": record.length}
    step = "Unlock the track or clear the place above the clip, then try again; the file is kept."
    return CallFailed("MediaPool.AppendToTimeline", (arguments,), page=host.page(), cause=cause, step=step)
