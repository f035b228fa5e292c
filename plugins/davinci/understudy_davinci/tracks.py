"""On which track a result goes: one of ours above the clip, free there and not locked, or a new one."""

from __future__ import annotations

from .frames import RecordSpan
from .host import Host, Timeline
from .journal import Journal
from .names import TRACKS

ROUNDS = 3  # of looking again at tracks that the artist may be moving


def track_for(
    host: Host,
    timeline: Timeline,
    journal: Journal,
    layer: str,
    above: int,
    record: RecordSpan,
    notes: list[str],
) -> int:
    """The number of a named track above video track *above* on which nothing lies over *record*.

    Earlier results stay below, so that the newest is seen. Raises CallFailed if no track can be added. What Resolve
    did not take goes to *notes*.
    """
    name = TRACKS[layer]
    _finish_adding(host, timeline, journal)
    ours = [
        t for t in range(above + 1, host.track_count(timeline) + 1) if host.track_name(timeline, t) == name
    ]
    floor = max((t for t in ours if not is_free(host, timeline, t, record)), default=above)
    for track in ours:
        if track > floor and _is_usable(host, timeline, track):
            return track
    track, is_named = _add(host, timeline, journal, name, floor + 1)
    if not is_named:
        notes.append(
            f"Resolve did not name the new track V{track}; call it {name} by hand, so that it is found again."
        )
    return track


def is_free(host: Host, timeline: Timeline, track: int, record: RecordSpan) -> bool:
    return not any(host.span(item).overlap(record).length for item in host.items(timeline, track))


def remove_added(host: Host, timeline: Timeline, journal: Journal) -> bool:
    """Takes away the tracks that this run has added and that are empty, the last one first; whether all are gone."""
    unnamed = _added_and_not_named(host, timeline, journal)
    if unnamed is not None:
        host.delete_track(timeline, unnamed)
    empty = [(name, at) for name, at in reversed(_added(journal)) if _is_empty(host, timeline, name, at)]
    for _, at in empty:
        host.delete_track(timeline, at)
    are_left = any(_is_empty(host, timeline, name, at) for name, at in empty)
    return not are_left and not _is_one_too_many(host, timeline, journal)


def _is_one_too_many(host: Host, timeline: Timeline, journal: Journal) -> bool:
    """Whether a track that was added is still there, and nobody could tell which."""
    begun = journal.last("adding_track")
    if begun is None or not journal.is_open("adding_track", "track_named"):
        return False
    return host.track_count(timeline) > len(begun["before"])


def _is_empty(host: Host, timeline: Timeline, name: str, track: int) -> bool:
    return host.track_name(timeline, track) == name and not host.items(timeline, track)


def _is_usable(host: Host, timeline: Timeline, track: int) -> bool:
    return not host.is_track_locked(timeline, track) and host.is_track_enabled(timeline, track)


def _add(host: Host, timeline: Timeline, journal: Journal, name: str, at: int) -> tuple[int, bool]:
    """A new track right above the clip, below what the artist has over it, or on top where this Resolve cannot."""
    named = _read_steadily(host, timeline)
    before = [known for known, _ in named]
    journal.note("adding_track", name=name, at=at, before=before)
    host.add_track(timeline, at=at)
    track = _new_one(before, _layout(host, timeline), at)
    if track is None:
        raise host.failed("Timeline.AddTrack", ("video",))
    return track, _named(host, timeline, journal, name, track, named)


def _named(
    host: Host,
    timeline: Timeline,
    journal: Journal,
    name: str,
    track: int,
    before: list[tuple[list[str], str]],
) -> bool:
    """Whether it has the name, by which results are looked for; it is given twice.

    Tracks are named by number. Raises CallFailed if the artist moved them at that moment; theirs keep their names.
    """
    journal.note("track_added", name=name, at=track)
    layout = _layout(host, timeline)
    is_named = any(host.set_track_name(timeline, track, name) for _ in range(2))
    _give_back_names(host, timeline, before)
    if _layout(host, timeline) != layout or _new_one([known for known, _ in before], layout, track) != track:
        raise host.failed("Timeline.SetTrackName", ("video", track, name))
    journal.note("track_named")
    return is_named


def _give_back_names(host: Host, timeline: Timeline, before: list[tuple[list[str], str]]) -> None:
    """To the artist's tracks, which are known by what lies on them; looks again as long as one was not right."""
    names = {tuple(known): name for known, name in before if known}
    for _ in range(ROUNDS):
        wrong = [
            (track, names[tuple(known)])
            for track, (known, name) in enumerate(_read(host, timeline), 1)
            if names.get(tuple(known), name) != name
        ]
        for track, name in wrong:
            host.set_track_name(timeline, track, name)
        if not wrong:
            return


def _read_steadily(host: Host, timeline: Timeline) -> list[tuple[list[str], str]]:
    """Of each video track what it is known by and its name, as they were twice in a row."""
    found = _read(host, timeline)
    for _ in range(ROUNDS):
        again = _read(host, timeline)
        if again == found:
            break
        found = again
    return found


def _read(host: Host, timeline: Timeline) -> list[tuple[list[str], str]]:
    layout = _layout(host, timeline)
    return [(known, host.track_name(timeline, track)) for track, known in enumerate(layout, 1)]


def _finish_adding(host: Host, timeline: Timeline, journal: Journal) -> None:
    """A track that was added right before the run was killed has no name yet."""
    track = _added_and_not_named(host, timeline, journal)
    if track is not None:
        found = _read_steadily(host, timeline)
        del found[track - 1]
        _named(host, timeline, journal, str((journal.last("adding_track") or {})["name"]), track, found)


def _added_and_not_named(host: Host, timeline: Timeline, journal: Journal) -> int | None:
    """None where nothing was added, or the artist has changed the timeline since, so that nobody can tell."""
    if not journal.is_open("adding_track", "track_named"):
        return None
    begun = journal.last("adding_track") or {}
    return _new_one(begun["before"], _layout(host, timeline), int(begun["at"]))


def _added(journal: Journal) -> list[tuple[str, int]]:
    found = [(str(each["name"]), int(each["at"])) for each in journal.all("track_added")]
    return list(dict.fromkeys(found))


def _layout(host: Host, timeline: Timeline) -> list[list[str]]:
    """What each video track is known by: how much lies on it, and the ids of the first and last; [] if nothing does."""
    tracks = (host.items(timeline, track) for track in range(1, host.track_count(timeline) + 1))
    return [
        [str(len(items)), host.item_id(items[0]), host.item_id(items[-1])] if items else []
        for items in tracks
    ]


def _new_one(before: list[list[str]], after: list[list[str]], asked: int) -> int | None:
    """The number of the new track: where it was asked for, or on top; None where it is neither for sure."""
    if after == [*before[: asked - 1], [], *before[asked - 1 :]]:
        return asked
    return len(after) if after == [*before, []] else None
