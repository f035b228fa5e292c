"""What the artist at the keyboard does: builds an edit, selects, and changes things while a script runs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from .standin import ResolveStandIn
from .state import Item, Media, Timeline, Track


class Artist:
    """Hands on one stand-in. Frames are absolute timeline frames; nothing of this is in the call log."""

    def __init__(self, standin: ResolveStandIn) -> None:
        self.standin = standin

    @property
    def timeline(self) -> Timeline:
        timeline = self.standin.open.current_timeline
        assert timeline is not None, "the artist has no timeline open"
        return timeline

    def project(self, name: str = "Film", *, rate: str = "24", size: tuple[int, int] = (64, 48)) -> None:
        """A saved project of its own, opened."""
        project = self.standin.new_project(name)
        project.settings |= {
            "timelineFrameRate": rate,
            "timelineResolutionWidth": str(size[0]),
            "timelineResolutionHeight": str(size[1]),
        }
        self.standin.open_project(project)

    def new_timeline(
        self, name: str = "Edit", *, video_tracks: int = 1, start: str = "01:00:00:00"
    ) -> Timeline:
        timeline = self.standin.add_timeline(name, start)
        timeline.tracks["video"] = [Track(f"Video {number + 1}") for number in range(video_tracks)]
        return timeline

    def imports(self, path: Path, sequence: tuple[int, int] | None = None, **changes: Any) -> Media:
        """The clip in the current bin. *changes* name what the file cannot show (kind="Compound", codec="BRAW")."""
        media = self.standin.add_media(path, sequence)
        assert media is not None, f"{path} is no media"
        for name, value in changes.items():
            setattr(media, name, value)
        return media

    def places(
        self,
        media: Media,
        at: int | None = None,
        *,
        frames: tuple[int, int] | None = None,
        track: int = 1,
        speed: Fraction = Fraction(1),
        kind: str = "video",
        duration: int | None = None,
    ) -> Item:
        """An item that shows *frames* of the source (the end excluded), *at* a frame or at the timeline's end."""
        start, end = frames or (0, media.frames)
        rate = self.standin.timeline_rate(self.timeline)
        item = Item(
            id=self.standin.new_id(),
            name=media.name,
            start=self.timeline.end if at is None else at,
            duration=duration or int((end - start) * rate / media.rate / abs(speed)),
            media=media,
            kind=kind,
            source_start=start,
            source_span=end - start,
            speed=speed,
        )
        self.timeline.tracks["audio" if kind == "audio" else "video"][track - 1].items.append(item)
        return item

    def places_title(
        self, at: int | None = None, *, frames: int = 24, track: int = 1, kind: str = "title"
    ) -> Item:
        """A title, generator or transition: an item without a pool clip."""
        start = self.timeline.end if at is None else at
        item = Item(id=self.standin.new_id(), name="Text", start=start, duration=frames, kind=kind)
        self.timeline.tracks["video"][track - 1].items.append(item)
        return item

    def adds_sound(self, media: Media, picture: Item) -> Item:
        """The clip's sound under its picture, linked."""
        sound = self.places(media, picture.start, kind="audio", duration=picture.duration)
        sound.linked, picture.linked = [picture], [sound]
        return sound

    def looks_at(self, frame: int) -> None:
        self.timeline.playhead = frame

    def selects(self, *items: Item) -> None:
        self.timeline.selection = list(items)

    def marks(self, first: int, last: int) -> None:
        """In and out, both included, absolute."""
        mark = {"in": first - self.timeline.start, "out": last - self.timeline.start}
        self.timeline.marks = {"video": dict(mark), "audio": dict(mark)}

    def goes_to(self, page: str) -> None:
        self.standin.page = page

    # While a script runs

    def moves(self, item: Item, to: int) -> None:
        item.start = to

    def deletes(self, item: Item) -> None:
        self.standin.remove_item(self.timeline, item)

    def inserts_track(self, index: int) -> None:
        self.timeline.tracks["video"].insert(
            index - 1, Track(f"Video {len(self.timeline.tracks['video']) + 1}")
        )

    def locks(self, track: int, locked: bool = True) -> None:
        self.timeline.tracks["video"][track - 1].locked = locked

    def opens_timeline(self, timeline: Timeline) -> None:
        self.standin.open.current_timeline = timeline

    def queues_render(self, folder: Path) -> str:
        """A render job of the artist's own, which must survive whatever a script does."""
        queue = self.standin.queue
        page, queue.page = queue.page, queue.page | {"TargetDir": str(folder), "CustomName": "for the client"}
        job = queue.add(self.timeline, foreign=True)
        queue.page = page
        return job
