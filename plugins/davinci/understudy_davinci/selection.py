"""Which clips are meant, and what is known of them. What cannot be swapped is refused with the next step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .errors import Refusal
from .frames import Rate, RecordSpan, is_retimed, marked
from .host import Host, Item, Timeline
from .shot import Kind, Media, Shot
from .ticket import Ticket

KINDS = {
    "compound": Kind.COMPOUND,
    "multicam": Kind.MULTICAM,
    "timeline": Kind.NESTED,
    "fusion": Kind.FUSION,
}
AS_THE_PROJECT = ("project", "same as project", "project settings", "default")
NUMBERS = re.compile(r"\[(\d+)-\d+\]")  # in the name of an image sequence: plate.[0001-0048].exr


def select(host: Host) -> list[Shot]:
    """The selected clips, or the one under the playhead; of each the part between the in and out marks.

    Raises:
        Refusal: there is none, or one cannot be swapped.
    """
    host.edition()
    if not host.is_alive():
        raise Refusal("Resolve has no project library open. Open a project, then try again.")
    timeline = host.timeline()
    if timeline is None:
        raise Refusal("No timeline is open in Resolve. Open the timeline with the clip, then try again.")
    shots = [read_shot(host, timeline, item) for item in _chosen(host, timeline)]
    return list({shot.item: shot for shot in shots}.values())  # a clip and its result are one shot


def read_shot(host: Host, timeline: Timeline, item: Item) -> Shot:
    """Raises Refusal if *item* cannot be swapped."""
    item = source_of(host, timeline, item)
    name = host.item_name(item) or "The clip"
    media = host.pool_item(item)
    if media is None:
        raise Refusal(
            f"“{name}” is a title, a generator or a transition and shows nobody. Select a clip that was filmed."
        )
    properties = host.clip_properties(media)
    kind = _kind(name, properties)
    rate = host.timeline_rate(timeline)
    found = _media(name, kind, properties | {"Input Color Space": _colour_space(host, properties)})
    cut = host.span(item)
    part = _between_marks(host, timeline, name, cut)
    left = host.left_offset(item)
    speed = host.speed(item)
    return Shot(
        name=name,
        kind=kind,
        project=host.project_id(),
        timeline=host.timeline_id(timeline),
        item=host.known_item_id(item),
        track=host.track_of(item)[1],
        cut=cut,
        part=part,
        rate=rate,
        left_offset=left,
        media=found,
        retimed=_is_retimed(host, item, left, cut, found, rate, speed),
        backwards=(speed or 0) < 0,
        effect="has a Fusion composition" if host.fusion_comps(item) else host.effect(item),
        managed=host.is_managed(),
        look=host.look(item),
    )


def source_of(host: Host, timeline: Timeline, item: Item) -> Item:
    """The clip that *item* is a result of; *item* itself where it is none.

    Raises:
        Refusal: that clip is gone.
    """
    ticket = ticket_of(host, item)
    if ticket is None:
        return item
    found = host.item_with_id(timeline, ticket.item)
    if found is None:
        raise Refusal(
            f"“{ticket.title}” is a result of Understudy, and its clip “{ticket.name}” is not on this timeline any "
            "more. Select another clip."
        )
    return found


def ticket_of(host: Host, item: Item) -> Ticket | None:
    """What our marker on *item* says; None where there is none."""
    for data in host.item_markers(item).values():
        if ticket := Ticket.from_json(data):
            return ticket
    return None


# ---- Which clips ---------------------------------------------------------------------------------------------


def _chosen(host: Host, timeline: Timeline) -> list[Item]:
    selected = host.selected(timeline)
    if selected:
        pictures = [each for each in selected if host.track_of(each)[0] == "video"]
        if not pictures:
            raise Refusal("Only sound is selected. Select a clip on a video track.")
        return pictures
    found = host.item_at_playhead(timeline)
    if found is None:
        able = "Select a clip, or put" if selected is not None else "Put"
        raise Refusal(f"No clip is selected. {able} the playhead on one on the Edit page, then try again.")
    return [found]


def _between_marks(host: Host, timeline: Timeline, name: str, cut: RecordSpan) -> RecordSpan:
    if cut.length < 1:
        raise Refusal(f"“{name}” is 0 frames long. Select a clip with at least one frame.")
    marks = host.marks(timeline)
    if marks is None:
        return cut
    part = cut.overlap(marked(*marks.video, host.timeline_span(timeline)))
    if not part.length:
        raise Refusal(
            f"The in and out marks leave 0 frames of “{name}”. Clear them (Alt+X), or set them on the clip."
        )
    return part


# ---- What is known of them -----------------------------------------------------------------------------------


def _kind(name: str, properties: Mapping[str, str]) -> Kind:
    told = properties.get("Type", "").lower()
    for word, kind in KINDS.items():
        if word in told and "title" not in told:
            return kind
    if "title" in told or "generator" in told:
        raise Refusal(f"“{name}” is a title or a generator and shows nobody. Select a clip that was filmed.")
    if told == "still":
        raise Refusal(f"“{name}” is a still picture. Select a clip that moves.")
    if told == "audio":
        raise Refusal(f"“{name}” is sound alone. Select a clip with pictures.")
    is_sequence = NUMBERS.search(properties.get("File Path", "") + properties.get("File Name", ""))
    return Kind.SEQUENCE if is_sequence else Kind.FILE


def _media(name: str, kind: Kind, properties: Mapping[str, str]) -> Media:
    path = properties.get("File Path", "")
    if properties.get("Online Status", "").lower() == "offline" or (
        kind is Kind.FILE and not _is_there(path)
    ):
        where = f" ({path})" if path else ""
        raise Refusal(
            f"“{name}” is offline: its file is not there{where}. Relink it in the media pool, then try again."
        )
    return Media(
        file=Path(path) if path and kind.has_file else None,
        frames=_number(properties.get("Frames", "")),
        start=_number(properties.get("Start", "")),
        rate=_rate(properties.get("FPS", "")),
        size=_size(properties.get("Resolution", "")),
        has_square_pixels=properties.get("PAR", "") in ("", "Square", "1"),
        codec=properties.get("Video Codec", ""),
        colour_space=properties.get("Input Color Space", ""),
        reel=properties.get("Reel Name", ""),
        timecode=properties.get("Start TC", ""),
    )


def _colour_space(host: Host, properties: Mapping[str, str]) -> str:
    """The clip's own, or the project's where it goes by that."""
    told = properties.get("Input Color Space", "")
    return host.project_setting("colorSpaceInput") if told.lower() in AS_THE_PROJECT else told


def _is_retimed(
    host: Host,
    item: Item,
    left: int,
    cut: RecordSpan,
    media: Media,
    rate: Rate,
    speed: float | None,
) -> bool:
    """Of clips of another rate it is not asked: Resolve shows them retimed anyhow."""
    if speed is not None:
        return abs(speed - 1) > 1e-4
    if media.rate is None or media.rate.fps != rate.fps:
        return False
    return is_retimed(left, *host.source_frames(item), cut.length)


def _is_there(path: str) -> bool:
    return bool(path) and Path(path).is_file()


def _number(text: str) -> int:
    try:
        return round(float(text))
    except ValueError:
        return 0


def _rate(text: str) -> Rate | None:
    try:
        return Rate.read(text)
    except (ValueError, ZeroDivisionError):
        return None


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\s*x\s*(\d+)", text.strip())
    return (int(found[1]), int(found[2])) if found else (0, 0)
