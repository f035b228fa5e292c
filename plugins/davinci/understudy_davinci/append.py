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
    before = Before(host, timeline, track)
    came: RecordSpan | None = None
    end = source.end
    for _ in range(2):
        if not host.is_shown(timeline):
            break
        answered = host.append(media, SourceSpan(source.start, end), track, record.start)
        _remove_strays(host, timeline, answered)
        new = before.arrived(media)
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
    there = {host.item_id(item) for item in items_above(host, current, 0)}
    if strays := [item for item in answered if host.item_id(item) in there]:
        host.delete_items(current, strays)


def _lies(host: Host, item: Item, first: int, track: int, record: RecordSpan) -> bool:
    at = (host.span(item), host.track_of(item)[1], host.left_offset(item))
    return at == (record, track, first)


class Before:
    """What lay on a timeline. Of tracks but the one that is meant the number of clips will do: films have thousands."""

    def __init__(self, host: Host, timeline: Timeline, track: int) -> None:
        self._host = host
        self._timeline = timeline
        self._track = track
        self._counts = [len(items) for items in self._by_track()]
        self._ids = {host.item_id(item) for item in host.items(timeline, track)}

    def arrived(self, media: PoolItem) -> list[Item]:
        """Clips of *media* that have come since, on whatever track."""
        wanted, found = self._host.media_id(media), []
        for track, items in enumerate(self._by_track(), 1):
            if track == self._track or self._counts[track - 1 : track] != [len(items)]:
                found += [item for item in items if shows(self._host, item, wanted)]
        return [item for item in found if self._host.item_id(item) not in self._ids]

    def _by_track(self) -> list[list[Item]]:
        tracks = range(1, self._host.track_count(self._timeline) + 1)
        return [self._host.items(self._timeline, track) for track in tracks]


def items_above(host: Host, timeline: Timeline, track: int) -> list[Item]:
    """All that lies on the video tracks above *track*; 0: on all."""
    tracks = range(track + 1, host.track_count(timeline) + 1)
    return [item for each in tracks for item in host.items(timeline, each)]


def shows(host: Host, item: Item, media_id: str) -> bool:
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
