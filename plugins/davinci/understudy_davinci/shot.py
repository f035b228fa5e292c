"""What travels between the chain, the options window and the job client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from .frames import Rate, RecordSpan, SourceSpan


class Mode(StrEnum):
    REPLACE = "replace"
    ANIMATE = "animate"


class Kind(StrEnum):
    """What a clip of the timeline is, as far as it can be swapped."""

    FILE = "file"  # one movie file
    SEQUENCE = "image sequence"
    COMPOUND = "compound clip"
    MULTICAM = "multicam clip"
    NESTED = "nested timeline"
    FUSION = "Fusion clip"

    @property
    def has_file(self) -> bool:
        return self in (Kind.FILE, Kind.SEQUENCE)


class Way(StrEnum):
    """How the clip's frames are to be had."""

    AUTO = "auto"
    FILE = "file"  # read from the clip's own file
    RENDER = "render"  # rendered by Resolve


# ---- What is selected, and what is wanted of it ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The file behind a clip, as the media pool tells of it."""

    file: Path | None = None  # None: it has none of its own
    frames: int = 0
    start: int = 0  # of an image sequence its first number; of a movie 0, or where a subclip begins
    rate: Rate | None = None
    size: tuple[int, int] = (0, 0)  # pixels
    has_square_pixels: bool = True
    codec: str = ""
    colour_space: str = ""  # "Rec.709 Gamma 2.4"; "" where Resolve does not tell
    reel: str = ""
    timecode: str = ""  # of its first frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A clip of the timeline, or the part of it between the marks."""

    name: str
    kind: Kind
    project: str  # ids; Resolve's objects die
    timeline: str
    item: str
    track: int
    cut: RecordSpan  # the whole clip
    part: RecordSpan  # what of it is to be swapped: all, or what lies between in and out
    rate: Rate  # of the timeline
    left_offset: int
    media: Media
    retimed: bool = False
    backwards: bool = False
    effect: str = ""  # on it, which its file does not show: "has a Fusion composition"
    managed: bool = False  # Resolve converts its colours by itself
    look: Mapping[str, Any] = field(default_factory=dict)  # how it lies in the frame

    @property
    def frames(self) -> int:
        return self.part.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the artist wants."""

    mode: Mode
    character: Path
    people: tuple[str, ...] = ()  # "A", "B"; (): who takes up most of the picture
    quality: str = "standard"
    seed: int = 0
    relight_strength: float = 1.0
    prompt: str = ""  # "": the model's own
    four_step_strength: float = 1.0  # where the quality makes four steps
    loras: tuple[tuple[str, float], ...] = ()  # of the artist's own: names and strengths
    handles: int = 0  # frames beside the cut, on either side
    matte: Path | None = None
    layers: tuple[str, ...] = ()  # "character", "matte": on tracks of their own
    source: Way = Way.AUTO
    graded: bool = False  # as the timeline shows it, with the artist's grade
    sequence: bool = False  # what Resolve renders is an EXR sequence instead of a movie
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What the server is given of a shot."""

    path: Path
    span: SourceSpan  # of that file, handles inside
    before: int = 0  # handle frames of it
    behind: int = 0
    why: str = ""  # why it was rendered; "" where it is the clip's own file
    as_seen: bool = False  # rendered with the clip's place in the frame, and its grade if it has one
    colour_space: str = ""  # that the result is to have; "" as Resolve takes it

    @property
    def is_rendered(self) -> bool:
        return bool(self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A job for the server."""

    uid: str
    title: str
    mode: Mode
    clip: Footage
    character: Path
    people: tuple[str, ...] = ()
    quality: str = "standard"
    seed: int = 0
    relight_strength: float = 1.0
    prompt: str = ""
    four_step_strength: float = 1.0
    loras: tuple[tuple[str, float], ...] = ()
    matte: Path | None = None
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Files that Resolve can import. They stay."""

    result: Path
    layers: Mapping[str, Path] = field(default_factory=dict)  # by name: "character" (with alpha), "matte"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What lies on the timeline now."""

    text: str  # one sentence
    track: int
    version: int
    notes: tuple[str, ...] = ()  # what Resolve did not take, and what the artist should know


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A media file, opened and counted by the server."""

    frames: int
    rate: Fraction
    width: int
    height: int
    colour_transfer: str = ""  # FFmpeg's name; "" where the file is silent


# ---- What is told meanwhile ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Note:
    """What is being done, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    fraction: float  # 0 to 1, of the whole job
    stage: str
    remaining_s: float | None = None  # None while unknown


Tell = Callable[[Note | Progress], None]
Wanted = Callable[[], bool]
"""Whether the artist has not cancelled."""


class Jobs(Protocol):
    """The server, for the chain. Its calls wait until they are done; errors are those of understudy_api."""

    def probe(self, path: Path) -> Probe: ...

    def submit(self, order: Order) -> str:
        """The job's name. The same uid again is the same job."""

    def find(self, uid: str) -> str | None:
        """The job of an order, if the server knows one."""

    def follow(self, job: str, tell: Tell, wanted: Wanted) -> None:
        """Returns when it has succeeded; cancels it when it is not wanted any more, and raises JobCancelled."""

    def deliver(self, job: str, layers: tuple[str, ...], folder: Path, stem: str) -> Made:
        """Files of the result and *layers* in *folder*, which are kept where they are whole already."""

    def cancel(self, job: str) -> None: ...
