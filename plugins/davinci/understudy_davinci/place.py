"""Lays a result over its clip: into a bin of the shot, on a named track, as a take where one is there already.

Everything is read back. If a step fails, what came onto the timeline is taken away again; the files and their clips in
the media pool stay.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from . import takes, tracks
from .append import items_above, put, shows
from .errors import CallFailed, Refusal
from .frames import Rate, record_length
from .host import Host, Item, PoolItem, Timeline
from .journal import Journal
from .names import PRODUCT
from .selection import ticket_of
from .shot import Made, Mode, Placed
from .state import kept, succeeds
from .ticket import Ticket
from .where import Where, touched_by_transition, where_now

SPOKEN = {"Input Color Space": "input colour space", "Start TC": "start timecode"}


def place(host: Host, ticket: Ticket, made: Made, journal: Journal) -> Placed:
    """Raises Refusal: it could not be placed; the timeline is as before."""
    if host.project_id() != ticket.project:
        raise Refusal(
            f"“{ticket.title}” belongs to another project than the open one, “{host.project_name()}”. Open its project "
            f"and run Understudy again; the result is kept in {made.result.parent}."
        )
    timeline = host.timeline_by_id(ticket.timeline)
    if timeline is None:
        raise Refusal(
            f"The timeline of “{ticket.title}” was deleted. Put {made.result} on another one by hand; the file is kept."
        )
    with kept(host, journal) as notes:
        placing = _Placing(host, timeline, ticket, made, journal)
        placed = placing.run()
    return replace(placed, notes=(*placed.notes, *notes))


class _Placing:
    def __init__(self, host: Host, timeline: Timeline, ticket: Ticket, made: Made, journal: Journal) -> None:
        self._host = host
        self._timeline = timeline
        self._ticket = ticket
        self._made = made
        self._journal = journal
        self._notes: list[str] = []
        self._results: list[tuple[Item, Ticket]] = []  # of the same clip that lie there already

    def run(self) -> Placed:
        host = self._host
        clips = self._import()
        host.show_timeline(self._timeline)
        self._journal.note("page", page="edit")
        host.open_page("edit")  # clips are placed and deleted there
        if self._journal.last("putting"):  # a run before this one was killed there
            self._sweep(clips)
        where = where_now(host, self._timeline, self._ticket)
        if where.note:
            self._notes.append(where.note)
        if where.item is not None and touched_by_transition(host, self._timeline, where.item):
            self._notes.append(
                f"A transition lies on “{self._ticket.name}”; the result has a hard cut there. Add one to it by hand."
            )
        if self._ticket.mode == Mode.REPLACE and not self._ticket.look:
            self._notes.append(
                "The result carries the clip's place in the frame and its grade; do not set them twice."
            )
        above = self._above(where)
        self._results = takes.results(host, self._timeline, self._ticket.item, above)
        try:
            track, version = self._lay("", clips[""], where, above)
        except CallFailed as failed:
            told = f"{failed.text} The result is in {self._made.result}."
            if not succeeds(lambda: self._take_back(clips)):
                told += " Delete the empty track above the clip by hand."
            raise Refusal(told) from failed
        self._lay_layers(clips, where, track)
        text = f"“{self._ticket.title}” lies on track V{track}, version {version}."
        return Placed(text=text, track=track, version=version, notes=tuple(self._notes))

    def _lay_layers(self, clips: dict[str, PoolItem], where: Where, above: int) -> None:
        """The result is there: what is missing beside it does not undo it."""
        for layer in (each for each in self._ticket.layers if each in clips):
            try:
                above, _ = self._lay(layer, clips[layer], where, above)
            except CallFailed as failed:
                succeeds(lambda: self._take_back(clips))
                self._notes.append(
                    f"The {layer} is not on the timeline, only in the media pool: {failed.text}"
                )

    # ---- Media -------------------------------------------------------------------------------------------

    def _import(self) -> dict[str, PoolItem]:
        """The clips of all files, by layer, in the shot's bin."""
        host = self._host
        ours = host.sub_bin(host.root_bin(), PRODUCT)
        folder = host.sub_bin(ours, Path(self._ticket.name).stem)
        files: dict[str, Path] = {"": self._made.result, **self._made.layers}
        clips = {layer: host.import_file(path, folder) for layer, path in files.items()}
        for layer, media in clips.items():
            self._describe(media, layer)
        return clips

    def _describe(self, media: PoolItem, layer: str) -> None:
        host, ticket = self._host, replace(self._ticket, layer=layer)
        told = host.clip_properties(media)
        host.set_clip_facts(media, {"understudy": ticket.to_json()})
        wanted = {"Reel Name": ticket.reel, "Start TC": ticket.timecode}
        if host.is_managed():
            wanted["Input Color Space"] = ticket.colour_space
        if layer == "character":
            wanted["Alpha mode"] = "Straight"
        for key, value in wanted.items():
            if value and told.get(key) != value and not host.set_clip_property(media, key, value):
                self._unkept(layer, key, value)

    def _unkept(self, layer: str, key: str, value: str) -> None:
        if layer == "" or key == "Alpha mode":
            what = SPOKEN.get(key, key.lower())
            told = f"Resolve did not keep the result's {what}, {value}; set it by hand if you need it."
            self._notes.append(told)

    # ---- On the timeline ---------------------------------------------------------------------------------

    def _above(self, where: Where) -> int:
        """The number of the clip's track, which may have changed; where the clip is gone, the one it had."""
        if where.item is not None:
            return self._host.track_of(where.item)[1]
        return min(self._ticket.track, self._host.track_count(self._timeline))

    def _lay(self, layer: str, media: PoolItem, where: Where, above: int) -> tuple[int, int]:
        """The track and the version."""
        host, timeline = self._host, self._timeline
        self._check_length(media, where)
        ticket = replace(self._ticket, layer=layer)
        earlier = [(item, told) for item, told in self._results if told.layer == layer]
        for item, told in earlier:
            if told.uid == ticket.uid:  # a run that was killed had come as far as this
                return host.track_of(item)[1], told.version
        ticket = replace(ticket, version=1 + max((told.version for _, told in earlier), default=0))
        for item, told in earlier:
            if takes.take(host, timeline, item, media, where.source, where.record):
                self._label(item, ticket)
                host.unmark_item(item, told.to_json())
                return host.track_of(item)[1], ticket.version
        track = tracks.track_for(host, timeline, self._journal, layer, above, where.record, self._notes)
        name = host.track_name(timeline, track)
        self._journal.note("putting")
        item = put(host, timeline, media, where.source, track, where.record)
        if host.track_name(timeline, track) != name:  # the artist moved tracks at that moment
            raise host.failed("MediaPool.AppendToTimeline", ({"track": track},))
        self._dress(item, where)
        if layer and not host.enable(item, False):
            self._notes.append(f"Resolve did not switch the {layer} off; disable it by hand (D).")
        self._label(item, ticket)
        return track, ticket.version

    def _check_length(self, media: PoolItem, where: Where) -> None:
        """Raises CallFailed where Resolve would round: a result of another rate than the timeline's."""
        told = self._host.clip_properties(media).get("FPS", "")
        rate = self._host.timeline_rate(self._timeline)
        length = record_length(where.source.length, Rate.read(told), rate) if told else where.record.length
        if length != where.record.length:
            cause = f"the result has {told} frames a second and the timeline {float(rate.fps):.5g}"
            step = "Set the clip's frame rate in Clip Attributes, then run Understudy again."
            raise CallFailed("MediaPool.AppendToTimeline", (), page=self._host.page(), cause=cause, step=step)

    def _dress(self, item: Item, where: Where) -> None:
        """The place in the frame that its clip has, where the picture was taken without it."""
        if not self._ticket.look or where.item is None:
            return
        if unset := self._host.set_look(item, self._host.look(where.item)):
            names = ", ".join(unset)
            self._notes.append(
                f"Resolve did not take over {names} from “{self._ticket.name}”; set it by hand."
            )

    def _label(self, item: Item, ticket: Ticket) -> None:
        """Last of all: a clip without our marker is not finished, and the next run takes it away."""
        host = self._host
        if not host.colour(item):
            self._notes.append("Resolve did not give the result its clip colour.")
        frame = max(0, min(ticket.before, host.span(item).length - 1))  # inside, whichever way Resolve counts
        name = f"{PRODUCT} {ticket.mode}, version {ticket.version}"
        if not any(
            host.mark_item(item, at, name, ticket.title, ticket.to_json()) for at in (frame, frame + 1, 0)
        ):
            raise host.failed("TimelineItem.AddMarker", (frame,))

    # ---- Taking away -------------------------------------------------------------------------------------

    def _take_back(self, clips: dict[str, PoolItem]) -> bool:
        self._sweep(clips)
        return tracks.remove_added(self._host, self._timeline, self._journal)

    def _sweep(self, clips: dict[str, PoolItem]) -> None:
        """Deletes what shows our files without our marker: a step failed there, or was killed."""
        host = self._host
        ours = {host.media_id(media) for media in clips.values()}
        for item in items_above(host, self._timeline, 0):
            if any(shows(host, item, media) for media in ours) and ticket_of(host, item) is None:
                host.delete_items(self._timeline, [item])
