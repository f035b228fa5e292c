"""Whether a clip's own file is read, or Resolve renders what it shows; and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .errors import Refusal
from .frames import Handles, SourceSpan, handles, shown_source, with_handles
from .shot import Choice, Footage, Kind, Probe, Shot, Way

RAW_SUFFIXES = frozenset((".braw", ".r3d", ".ari", ".arx", ".dng", ".cine", ".crm", ".rmf", ".nef"))
RAW_WORDS = ("raw", "redcode", "cinemadng", "x-ocn")
DISPLAY_SPACES = ("rec.709", "rec709", "srgb", "gamma 2.4", "gamma 2.2", "bt.709", "bt.1886")
DISPLAY_TRANSFERS = frozenset(
    {"", "unknown", "bt709", "smpte170m", "iec61966-2-1", "bt470bg", "gamma22", "gamma28"}
)


class Render(StrEnum):
    """How Resolve renders a clip."""

    CLEAN = "clean"  # its media alone on a timeline of its own: with handles, without grade
    AS_SEEN = "as seen"  # on a copy of the artist's timeline: with speed, effects, grade; without handles


@dataclass(frozen=True, slots=True)
class Decision:
    render: Render | None  # None: its file is read
    why: str = ""  # after “name”: "is retimed"


def decide(shot: Shot, choice: Choice, *, found: Decision | None = None) -> Decision:
    """What is known without opening the file, or *found* once it was opened.

    Raises:
        Refusal: the artist wants the file read, and that cannot be.
    """
    found = found or _needs_render(shot, choice)
    if choice.source is Way.FILE and found.render:
        raise Refusal(
            f"The file of “{shot.name}” cannot be read directly: it {found.why}. Choose to have Resolve render it."
        )
    if choice.source is Way.RENDER and not found.render:
        return Decision(Render.CLEAN, "is rendered as you asked")
    return found


def check_file(shot: Shot, probe: Probe) -> Decision:
    """What the server has found in the file against what Resolve tells of it."""
    rate = shot.media.rate
    if probe.colour_transfer not in DISPLAY_TRANSFERS:
        return _colour(shot, f"has {probe.colour_transfer} colours")
    if rate is None or probe.rate != rate.fps or probe.frames != shot.media.frames:
        return Decision(Render.CLEAN, f"has {probe.frames} frames where Resolve counts {shot.media.frames}")
    return Decision(None)


def read_directly(shot: Shot, wanted_handles: int) -> Footage:
    """The frames of the clip's own file."""
    assert shot.media.file is not None
    shown, beside = shown_with_handles(shot, wanted_handles)
    return Footage(
        path=shot.media.file,
        span=with_handles(shown, beside),
        before=beside.before,
        behind=beside.behind,
        colour_space=shot.media.colour_space,
    )


def shown_with_handles(shot: Shot, wanted: int) -> tuple[SourceSpan, Handles]:
    """The source frames that the shot shows, and how many of the wanted handles the file has."""
    shown = shown_source(shot.left_offset, shot.cut, shot.part)
    return shown, handles(shown, shot.media.frames, wanted)


def _needs_render(shot: Shot, choice: Choice) -> Decision:
    media = shot.media
    if not shot.kind.has_file:
        return Decision(Render.AS_SEEN, f"is a {shot.kind} without a file of its own")
    if shot.retimed:
        return Decision(Render.AS_SEEN, "runs backwards" if shot.backwards else "is retimed")
    if media.rate is None or media.rate.fps != shot.rate.fps:
        told = f"{float(media.rate.fps):.5g}" if media.rate else "unknown"
        return Decision(
            Render.AS_SEEN, f"has {told} frames a second on a timeline of {float(shot.rate.fps):.5g}"
        )
    if shot.effect:
        return Decision(Render.AS_SEEN, shot.effect)
    if not media.has_square_pixels:
        return Decision(Render.AS_SEEN, "has pixels that are not square")
    if choice.graded:
        return Decision(Render.AS_SEEN, "is wanted with its grade")
    if media.colour_space and not _is_display(media.colour_space):
        return _colour(shot, f"is in {media.colour_space}")
    if shot.kind is Kind.SEQUENCE:
        return Decision(Render.CLEAN, "is an image sequence")
    if is_raw(shot):
        return Decision(
            Render.CLEAN, f"is camera RAW ({media.codec or media.file.suffix if media.file else ''})"
        )
    if media.start:
        return Decision(Render.CLEAN, "is a subclip")
    return Decision(None)


def is_raw(shot: Shot) -> bool:
    suffix = shot.media.file.suffix.lower() if shot.media.file else ""
    return suffix in RAW_SUFFIXES or any(word in shot.media.codec.lower() for word in RAW_WORDS)


def _colour(shot: Shot, why: str) -> Decision:
    """Log and HDR: Resolve's colour management makes display colours of it, or else the artist's grade does."""
    if shot.managed:
        return Decision(Render.CLEAN, why)
    return Decision(Render.AS_SEEN, f"{why}, which the project leaves to your grade")


def _is_display(colour_space: str) -> bool:
    told = colour_space.lower()
    return "log" not in told and any(each in told for each in DISPLAY_SPACES)
