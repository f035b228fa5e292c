"""AppendToTimeline, the only way to place a clip, with all that is measured of its stubbornness (section 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .handle import Handle
from .state import Item, Media, Timeline, Track
from .timecode import rate_of

if TYPE_CHECKING:
    from .standin import ResolveStandIn

STILL_SECONDS = 5
FRAME_KEYS = ("startFrame", "endFrame", "recordFrame", "trackIndex", "mediaType")
DROPPED, GHOST, SLID = "dropped", "ghost", "slid"


def append(standin: ResolveStandIn, entries: list[dict[str, Any]]) -> list[Item] | None:
    """What the call says was placed; what the timeline says may be another thing."""
    project = standin.open
    timeline = project.current_timeline
    if timeline is None or not all(isinstance(entry.get("mediaPoolItem"), Handle) for entry in entries):
        return None
    if standin.profile.append_needs_selection and not project.selected_clips:
        return None
    if any(type(entry[key]) is not int for entry in entries for key in FRAME_KEYS if key in entry):
        return None  # the whole batch is refused for one float (auto-subs #745)
    placed = []
    for entry in entries:
        if not entry["mediaPoolItem"]._alive():
            return None
        placed += _place(standin, timeline, entry["mediaPoolItem"]._state, entry)
    return placed


def _place(standin: ResolveStandIn, timeline: Timeline, media: Media, entry: dict[str, Any]) -> list[Item]:
    """The items of one entry: picture and sound, linked, or one of them by mediaType."""
    start = entry.get("startFrame", 0)
    span = _span(standin, media, entry)
    duration = _duration(timeline, media, span)
    if duration < 1:
        return []
    record = entry.get("recordFrame", timeline.end)
    wanted = {None: ("video", "audio"), 1: ("video",), 2: ("audio",)}[entry.get("mediaType")]
    kinds = [kind for kind in wanted if _has(media, kind)]
    made = []
    for kind in kinds:
        item = Item(
            id=standin.new_id(),
            name=media.name,
            start=record,
            duration=duration,
            media=media,
            kind=media.kind.lower()
            if media.kind in ("Compound", "Multicam", "Fusion", "Generator")
            else kind,
            source_start=start,
            source_span=span,
        )
        made += _put(standin, timeline, kind, entry.get("trackIndex", 1), item)
    for item in made:
        item.linked = [other for other in made if other is not item]
    return made


def _put(standin: ResolveStandIn, timeline: Timeline, kind: str, index: int, item: Item) -> list[Item]:
    """A track beyond the last takes nothing; a locked or occupied one answers as the test has chosen."""
    tracks = timeline.tracks[kind]
    if not 1 <= index <= len(tracks):
        return []
    track = tracks[index - 1]
    if track.locked:
        return [_ghost(item)] if standin.locked_answers_items else []
    if any(other.start < item.end and item.start < other.end for other in track.items):
        if standin.occupied == DROPPED:
            return []
        if standin.occupied == GHOST:
            return [_ghost(item)]
        item.start = _next_free(track, item)
    track.items.append(item)
    track.items.sort(key=lambda each: each.start)
    return [item]


def _ghost(item: Item) -> Item:
    item.ghost = True
    return item


def _next_free(track: Track, item: Item) -> int:
    start = item.start
    for other in sorted(track.items, key=lambda each: each.start):
        if other.start < start + item.duration and start < other.end:
            start = other.end
    return start


def _has(media: Media, kind: str) -> bool:
    return media.has_sound if kind == "audio" else media.kind != "Audio"


def _span(standin: ResolveStandIn, media: Media, entry: dict[str, Any]) -> int:
    """Source frames from startFrame to endFrame, as this version counts the end, within the media."""
    if media.kind == "Still":
        return 1  # a still ignores endFrame
    start = entry.get("startFrame", 0)
    if "endFrame" not in entry:
        return media.frames - start
    end = entry["endFrame"] + standin.profile.append_end_inclusive
    return min(end, media.frames) - start


def _duration(timeline: Timeline, media: Media, span: int) -> int:
    """Timeline frames of *span* source frames: floored where the rates differ (T65)."""
    rate = rate_of(timeline.settings["timelineFrameRate"])
    if media.kind == "Still":
        return round(rate * STILL_SECONDS)
    return int(span * rate / media.rate)
