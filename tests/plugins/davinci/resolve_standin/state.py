"""What Resolve keeps of a project: plain records that handles point at and tests may look into."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

Markers = dict[float, dict[str, Any]]
TRACK_TYPES = ("video", "audio", "subtitle")


@dataclass(slots=True, kw_only=True, eq=False)
class Media:
    """A clip of the media pool. Frames count from 0 at the file's first."""

    id: str
    name: str
    path: Path | None
    kind: str = "Video"
    """The clip property Type: Video, Video + Audio, Audio, Still, Timeline, Compound, Multicam, Fusion, Generator."""
    rate: Fraction = Fraction(24)
    frames: int = 0
    width: int = 0
    height: int = 0
    start_timecode: str = "00:00:00:00"
    codec: str = ""
    has_sound: bool = False
    sequence_start: int | None = None
    """The first number of an image sequence, whose *path* is a printf pattern."""
    properties: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    third_party: dict[str, str] = field(default_factory=dict)
    markers: Markers = field(default_factory=dict)
    marks: dict[str, dict[str, int]] = field(default_factory=dict)
    colour: str = ""
    mattes: list[str] = field(default_factory=list)
    timeline: Timeline | None = None
    alive: bool = True


@dataclass(slots=True, eq=False)
class Take:
    media: Media
    start: int
    end: int
    """Frames of the source, the end excluded."""


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """Something on a track, in absolute timeline frames; *source_start* in frames of its media."""

    id: str
    name: str
    start: int
    duration: int
    media: Media | None = None
    kind: str = "video"
    """video, audio, title, generator, transition, compound, multicam or fusion."""
    source_start: int = 0
    source_span: int = 0
    """Frames of the source that the item shows, however fast."""
    speed: Fraction = Fraction(1)
    """Below 0: backwards, from the end of the span."""
    enabled: bool = True
    source_jitter: int = 0
    """What GetSourceStartFrame reports beside the truth on chosen items (T35)."""
    source_unknown: bool = False
    """An item from an XML: source start and end both read 0 (T38)."""
    colour: str = ""
    markers: Markers = field(default_factory=dict)
    takes: list[Take] = field(default_factory=list)
    selected_take: int = 0
    linked: list[Item] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    graded: bool = False
    mask_clicks: int = 0
    ghost: bool = False
    alive: bool = True

    @property
    def end(self) -> int:
        return self.start + self.duration

    def covers(self, frame: int) -> bool:
        return self.start <= frame < self.end


@dataclass(slots=True, eq=False)
class Track:
    name: str
    enabled: bool = True
    locked: bool = False
    sub_type: str = ""
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Timeline:
    id: str
    name: str
    start: int
    settings: dict[str, str]
    tracks: dict[str, list[Track]]
    playhead: int = 0
    marks: dict[str, dict[str, int]] = field(default_factory=dict)
    markers: Markers = field(default_factory=dict)
    selection: list[Item] = field(default_factory=list)
    pool_item: Media | None = None
    alive: bool = True

    def items(self, track_type: str = "video") -> list[Item]:
        return [item for track in self.tracks[track_type] for item in track.items]

    def every_item(self) -> list[Item]:
        return [item for track_type in TRACK_TYPES for item in self.items(track_type)]

    @property
    def end(self) -> int:
        """The frame after the last item."""
        return max((item.end for item in self.every_item()), default=self.start)


@dataclass(slots=True, eq=False)
class Folder:
    id: str
    name: str
    clips: list[Media] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    alive: bool = True

    def walk(self) -> list[Folder]:
        return [self, *(below for folder in self.folders for below in folder.walk())]


@dataclass(slots=True, kw_only=True, eq=False)
class Project:
    id: str
    name: str
    settings: dict[str, str]
    root: Folder
    current_folder: Folder
    timelines: list[Timeline] = field(default_factory=list)
    current_timeline: Timeline | None = None
    selected_clips: list[Media] = field(default_factory=list)
    saves: int = 0
