"""What a result remembers of where it belongs: in a marker's custom data, and in the journal of the run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from .frames import Rate, RecordSpan, SourceSpan, frame_of, timecode
from .shot import Footage, Mode, Shot

MARK = "understudy"  # the key that tells our custom data from others'


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Enough to place a result, or to find it again, after everything was closed."""

    uid: str  # of the order, and of its job in the server
    mode: str
    title: str
    project: str  # ids
    timeline: str
    item: str  # the clip that was swapped
    name: str  # of that clip
    track: int
    start: int  # record frames: of the whole clip when it was read
    length: int
    first: int  # source frame of that clip's first
    shown: tuple[int, int]  # of these, the frames that were swapped, end exclusive
    before: int = 0  # handle frames of the result's file
    behind: int = 0
    moves_only: bool = (
        False  # the clip is retimed, or of another rate: a result follows it, and not its trims
    )
    look: bool = False  # the result takes the clip's place in the frame
    colour_space: str = ""
    reel: str = ""
    timecode: str = ""  # of the result's first frame; "" as the file says
    layers: tuple[str, ...] = ()  # wanted beside the result
    layer: str = ""  # which of them the clip with this marker is; "": the result
    version: int = 0  # 1 for the first result of a clip; 0 until it is placed

    @property
    def cut(self) -> RecordSpan:
        return RecordSpan(self.start, self.start + self.length)

    @property
    def source(self) -> SourceSpan:
        return SourceSpan(*self.shown)

    def to_json(self) -> str:
        return json.dumps({MARK: 1, **asdict(self)}, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """None if *text* is not ours, or of a version that we do not understand."""
        try:
            found = json.loads(text)
            if not isinstance(found, dict) or MARK not in found:
                return None
            known: dict[str, Any] = {name: found[name] for name in cls.__slots__ if name in found}
            known["shown"] = (int(known["shown"][0]), int(known["shown"][1]))
            known["layers"] = tuple(known.get("layers", ()))
            return cls(**known)
        except (TypeError, ValueError, KeyError, IndexError):
            return None


def ticket_for(
    uid: str, mode: Mode, title: str, shot: Shot, footage: Footage, layers: tuple[str, ...]
) -> Ticket:
    first = shot.left_offset
    start = first + shot.part.start - shot.cut.start
    return Ticket(
        uid=uid,
        mode=str(mode),
        title=title,
        project=shot.project,
        timeline=shot.timeline,
        item=shot.item,
        name=shot.name,
        track=shot.track,
        start=shot.cut.start,
        length=shot.cut.length,
        first=first,
        shown=(start, start + shot.part.length),
        before=footage.before,
        behind=footage.behind,
        moves_only=not _is_frame_by_frame(shot),
        look=mode is Mode.REPLACE and not footage.as_seen,  # an animated picture has a frame of its own
        colour_space=footage.colour_space,
        reel=shot.media.reel,
        timecode=_timecode(shot, start - footage.before),
        layers=layers,
    )


def _is_frame_by_frame(shot: Shot) -> bool:
    """Whether it shows one source frame a record frame."""
    rate = shot.media.rate
    return shot.kind.has_file and not shot.retimed and rate is not None and rate.fps == shot.rate.fps


def _timecode(shot: Shot, frame: int) -> str:
    """Of a source frame; "" where the clip has none, or is not shown frame by frame."""
    told, rate = shot.media.timecode, shot.media.rate
    if not told or rate is None or not _is_frame_by_frame(shot):
        return ""
    counted = Rate(rate.fps, drop=";" in told)
    try:
        return timecode(frame_of(told, counted) + frame, counted)
    except ValueError:
        return ""
