"""The stand-in for DaVinci Resolve: what scripts reach of it, and how each of their calls goes."""

from __future__ import annotations

import copy
import functools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from .calls import Call, CallLog
from .clock import Clock
from .facts import Method, methods_of
from .faults import CallHangs, Faults
from .fusion import Dispatcher, Fusion, UIManager
from .gallery import GalleryHandle
from .handle import Handle, NotModelled
from .media_file import looked_at
from .media_item import MediaPoolItemHandle
from .media_pool import MediaPoolHandle, MediaStorageHandle
from .placement import DROPPED
from .profiles import PROFILES, Profile
from .render_queue import RenderQueue
from .resolve import ResolveHandle
from .settings import DEFAULTS
from .state import TRACK_TYPES, Folder, Item, Media, Project, Timeline, Track
from .timecode import frame_of, rate_of
from .timeline import TimelineHandle
from .timeline_item import TimelineItemHandle

CHANGES = (
    "Set",
    "Add",
    "Delete",
    "Append",
    "Import",
    "Create",
    "Start",
    "Load",
    "Export",
    "Open",
    "Save",
    "Select",
)


class ResolveStandIn:
    """One running Resolve. `resolve` is what a script gets; all else here is for tests and for the stand-in itself.

    Args:
        profile: a name of `PROFILES`, or a profile of one's own.
        strict: an unknown name fails at once; else it answers None and is kept in `log.unknown_names`.
    """

    def __init__(self, profile: str | Profile = "studio-20.3.2", *, strict: bool = False) -> None:
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        self.strict = strict
        self.clock, self.faults, self.log = Clock(), Faults(), CallLog()
        self.queue = RenderQueue(self)
        self.clock.on_advance.append(self.queue.advance)
        self.page: str | None = "edit"
        self.modal: str | None = None
        self.has_database, self.running = True, True
        self.session = 1
        self.derives_reel_names = True
        self.other_timelines_are_dumb = False
        self.occupied, self.locked_answers_items = DROPPED, False
        self.picked_file: str | None = None
        self.picked_folder: str | None = None
        self._ids = 0
        self.projects: dict[str, Project] = {}
        self.project: Project | None = self.new_project("Untitled Project")
        self.ui = UIManager()
        self.fusion = Fusion(self)

    # How scripts get in (1.1)

    @property
    def resolve(self) -> Any:
        """Any, as scripts see it: types are what the real one lacks."""
        return ResolveHandle(self, None)

    def scriptapp(self, name: str, host: str = "") -> Any:
        """As DaVinciResolveScript's: None, never an error, where scripts from outside are refused."""
        answers = self.running and name == "Resolve" and self.profile.scriptapp_answers
        return self.resolve if answers else None

    def menu_globals(self) -> dict[str, Any] | None:
        """What a script of the Scripts menu finds in its globals; None where Python is not listed there."""
        if not self.profile.lists_python:
            return None
        bmd = type(
            "bmd", (), {"UIDispatcher": staticmethod(Dispatcher), "scriptapp": staticmethod(self.scriptapp)}
        )()
        return {
            "resolve": self.resolve,
            "fusion": self.fusion,
            "fu": self.fusion,
            "app": self.fusion,
            "bmd": bmd,
        }

    # How a call goes

    def documented(self, class_name: str) -> dict[str, Method]:
        return methods_of(self.profile.version).get(class_name, {})

    def attribute(self, handle: Handle, name: str) -> Any:
        if name in self.documented(handle._class_name):
            return functools.partial(self.call, handle, name)
        self.log.unknown_names.append(f"{handle._class_name}.{name}")
        if self.strict:
            raise AssertionError(f"{handle._class_name}.{name} is not documented in {self.profile.name}")
        return None

    def call(self, handle: Handle, name: str, *arguments: Any, **named: Any) -> Any:
        symbol = f"{handle._class_name}.{name}"
        method = self.documented(handle._class_name)[name]
        if not method.takes(len(arguments) + len(named)):
            raise TypeError(f"{symbol} takes {method.arity_min} to {method.arity_max} arguments")
        if not hasattr(type(handle), name):
            raise NotModelled(f"{symbol}: extend the stand-in, with the documented line that it follows")
        answer = self.faults.met(symbol, after=False)
        result = answer.value if answer else self._carried_out(handle, method, arguments, named)
        answer = self.faults.met(symbol, after=True)
        result = answer.value if answer else result
        self.log.calls.append(
            Call(handle._class_name, name, arguments + tuple(named.values()), result, self.page)
        )
        return result

    def _carried_out(
        self, handle: Handle, method: Method, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """None from the dead (B2), no from behind a dialog (B4), else what the method does."""
        if not self.running or handle._session != self.session:
            return None
        if not handle._alive():
            return "" if method.name == "GetUniqueId" and getattr(handle._state, "ghost", False) else None
        if self.modal and method.name.startswith(CHANGES):
            return False if method.returns == "bool" else None
        return self.unlogged(handle, method.name, *arguments, **named)

    @staticmethod
    def unlogged(handle: Handle, name: str, *arguments: Any, **named: Any) -> Any:
        return getattr(type(handle), name)(handle, *arguments, **named)

    def hang(self) -> None:
        raise CallHangs

    def quit(self) -> None:
        """Resolve ends: every handle is dead, and nothing answers outside."""
        self.running, self.queue.running = False, []

    def start(self) -> None:
        """Resolve again, with the project as it was; what was handed out before stays dead."""
        self.running, self.session = True, self.session + 1

    def open_modal(self, title: str) -> None:
        self.modal = title

    def dismiss_modal(self) -> None:
        self.modal = None

    def detach_database(self) -> None:
        """As after an unclean end: all seems well, and no project can be opened or saved (T6)."""
        self.has_database = False

    # Handles, new with every call

    def timeline_handle(self, timeline: Timeline | None) -> TimelineHandle | None:
        return TimelineHandle(self, timeline) if timeline else None

    def item_handle(self, item: Item) -> TimelineItemHandle:
        return TimelineItemHandle(self, item)

    def media_handle(self, media: Media) -> MediaPoolItemHandle:
        return MediaPoolItemHandle(self, media)

    def media_pool(self) -> MediaPoolHandle:
        return MediaPoolHandle(self, self.project)

    def media_storage(self) -> MediaStorageHandle:
        return MediaStorageHandle(self, None)

    def gallery(self) -> GalleryHandle:
        return GalleryHandle(self, None)

    # The project's contents

    @property
    def open(self) -> Project:
        assert self.project is not None
        return self.project

    def new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012d}"

    def new_project(self, name: str) -> Project:
        root = Folder(self.new_id(), "Master")
        project = Project(
            id=self.new_id(), name=name, settings=dict(DEFAULTS), root=root, current_folder=root
        )
        if name != "Untitled Project":
            self.projects[name] = project
        return project

    def open_project(self, project: Project) -> None:
        """Handles into the project that was open are dead from here on."""
        self.project = project

    def add_timeline(self, name: str, start_timecode: str = "01:00:00:00") -> Timeline:
        project = self.open
        start = frame_of(start_timecode, project.settings["timelineFrameRate"])
        assert start is not None
        tracks = {kind: [Track(f"{kind.title()} 1")] if kind != "subtitle" else [] for kind in TRACK_TYPES}
        timeline = Timeline(
            id=self.new_id(),
            name=name,
            start=start,
            settings=project.settings | {"useCustomSettings": "0"},
            tracks=tracks,
            playhead=start,
        )
        timeline.pool_item = Media(id=self.new_id(), name=name, path=None, kind="Timeline", timeline=timeline)
        project.current_folder.clips.append(timeline.pool_item)
        project.timelines.append(timeline)
        project.current_timeline = timeline
        return timeline

    def delete_timeline(self, timeline: Timeline) -> None:
        project = self.open
        timeline.alive = False
        project.timelines = [each for each in project.timelines if each is not timeline]
        for folder in project.root.walk():
            folder.clips = [clip for clip in folder.clips if clip is not timeline.pool_item]
        if project.current_timeline is timeline:
            project.current_timeline = project.timelines[0] if project.timelines else None

    def duplicate(self, timeline: Timeline, name: str) -> Timeline:
        made = self.add_timeline(name)
        made.start, made.settings, made.playhead = timeline.start, dict(timeline.settings), timeline.playhead
        made.marks, made.markers = copy.deepcopy(timeline.marks), copy.deepcopy(timeline.markers)
        for kind, tracks in timeline.tracks.items():
            made.tracks[kind] = [Track(t.name, t.enabled, t.locked, t.sub_type) for t in tracks]
            for new, old in zip(made.tracks[kind], tracks, strict=True):
                new.items = [_copied(item, self.new_id()) for item in old.items]
        return made

    def add_media(self, path: Path, sequence: tuple[int, int] | None = None) -> Media | None:
        """A clip in the current folder, or None where *path* is no media."""
        media = Media(id=self.new_id(), name=path.name, path=path)
        if not self.read_file(media, path, sequence):
            return None
        self.open.current_folder.clips.append(media)
        return media

    @staticmethod
    def read_file(media: Media, path: Path, sequence: tuple[int, int] | None = None) -> bool:
        facts = looked_at(Path(str(path) % sequence[0]) if sequence else path)
        if facts is None:
            return False
        media.path, media.rate, media.frames = path, facts.rate, facts.frames
        media.width, media.height, media.codec = facts.width, facts.height, facts.codec
        media.kind, media.has_sound, media.start_timecode = facts.kind, facts.has_sound, facts.start_timecode
        if facts.reel_name:
            media.properties["Reel Name"] = facts.reel_name
        if sequence:
            media.sequence_start, media.kind = sequence[0], "Video"
            media.frames = sequence[1] - sequence[0] + 1
        return True

    @staticmethod
    def timeline_rate(timeline: Timeline) -> Fraction:
        return rate_of(timeline.settings["timelineFrameRate"])

    def folder_of(self, media: Media) -> Folder | None:
        return next((folder for folder in self.open.root.walk() if media in folder.clips), None)

    def timeline_of(self, item: Item) -> Timeline | None:
        if self.project is None:
            return None
        return next((each for each in self.project.timelines if item in each.every_item()), None)

    def place_of(self, item: Item) -> list[Any] | None:
        timeline = self.timeline_of(item)
        for kind, tracks in timeline.tracks.items() if timeline else ():
            for index, track in enumerate(tracks):
                if item in track.items:
                    return [kind, index + 1]
        return None

    @staticmethod
    def remove_item(timeline: Timeline, item: Item) -> None:
        item.alive = False
        for kind in TRACK_TYPES:
            for track in timeline.tracks[kind]:
                track.items = [each for each in track.items if each is not item]


def _copied(item: Item, new_id: str) -> Item:
    """As DuplicateTimeline leaves it: everything of the look, an id of its own, links undone."""
    made = replace(item, id=new_id, linked=[], properties=dict(item.properties), takes=list(item.takes))
    made.markers = copy.deepcopy(item.markers)
    return made
