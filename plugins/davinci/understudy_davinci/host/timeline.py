"""A timeline: its frames, tracks, marks, markers, playhead, selection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..frames import Rate, RecordSpan
from .calling import Calling
from .handles import Item, Timeline


@dataclass(frozen=True, slots=True)
class Marks:
    """In and out of a timeline, relative to its start, the end inclusive; None: not set."""

    video: tuple[int | None, int | None] = (None, None)
    audio: tuple[int | None, int | None] = (None, None)


class TimelineCalls(Calling):
    # ---- Frames ------------------------------------------------------------------------------------------

    def timeline_span(self, timeline: Timeline) -> RecordSpan:
        start = self.number("Timeline.GetStartFrame", timeline)
        return RecordSpan(start, max(start, self.number("Timeline.GetEndFrame", timeline)))

    def timeline_rate(self, timeline: Timeline) -> Rate:
        """Raises CallFailed: Resolve does not tell it."""
        told = self.timeline_setting(timeline, "timelineFrameRate")
        try:
            return Rate.read(told)
        except ValueError:
            raise self.failed("Timeline.GetSetting", ("timelineFrameRate",)) from None

    def timeline_size(self, timeline: Timeline) -> tuple[int, int]:
        """Width and height in pixels. Raises CallFailed: Resolve does not tell them."""
        width = self.number("Timeline.GetSetting", timeline, "timelineResolutionWidth")
        return width, self.number("Timeline.GetSetting", timeline, "timelineResolutionHeight")

    def timeline_setting(self, timeline: Timeline, key: str) -> str:
        return self.text("Timeline.GetSetting", timeline, key)

    def set_timeline_setting(self, timeline: Timeline, key: str, value: str) -> bool:
        return bool(self.call("Timeline.SetSetting", timeline, key, value))

    # ---- Tracks ------------------------------------------------------------------------------------------

    def track_count(self, timeline: Timeline) -> int:
        """Video tracks; they count from 1."""
        return self.number("Timeline.GetTrackCount", timeline, "video")

    def track_name(self, timeline: Timeline, track: int) -> str:
        return self.text("Timeline.GetTrackName", timeline, "video", track)

    def set_track_name(self, timeline: Timeline, track: int, name: str) -> bool:
        self.call("Timeline.SetTrackName", timeline, "video", track, name)
        return self.track_name(timeline, track) == name

    def is_track_locked(self, timeline: Timeline, track: int) -> bool:
        return bool(self.call("Timeline.GetIsTrackLocked", timeline, "video", track))

    def is_track_enabled(self, timeline: Timeline, track: int) -> bool:
        return bool(self.call("Timeline.GetIsTrackEnabled", timeline, "video", track))

    def enable_track(self, timeline: Timeline, track: int, enabled: bool) -> None:
        """Raises CallFailed unless it is so afterwards."""
        if self.is_track_enabled(timeline, track) == enabled:
            return
        self.call("Timeline.SetTrackEnable", timeline, "video", track, enabled)
        if self.is_track_enabled(timeline, track) != enabled:
            raise self.failed("Timeline.SetTrackEnable", ("video", track, enabled))

    def add_track(self, timeline: Timeline, *, at: int | None = None) -> None:
        """A video track on top, or at number *at*, where the others move up. Raises CallFailed if none was added."""
        before = self.track_count(timeline)
        if at is None or at > before:
            self.call("Timeline.AddTrack", timeline, "video")
        else:
            self.call("Timeline.AddTrack", timeline, "video", {"index": at})
        if self.track_count(timeline) != before + 1:
            raise self.failed("Timeline.AddTrack", ("video",))

    def delete_track(self, timeline: Timeline, track: int) -> bool:
        return bool(self.call("Timeline.DeleteTrack", timeline, "video", track))

    # ---- What lies on them -------------------------------------------------------------------------------

    def items(self, timeline: Timeline, track: int) -> list[Item]:
        """Clips, titles, generators and transitions."""
        return [Item(each) for each in self.listed("Timeline.GetItemListInTrack", timeline, "video", track)]

    def delete_items(self, timeline: Timeline, items: list[Item]) -> bool:
        """Without closing the gap. Resolve does it on the Edit page alone, and now and then not the first time."""
        return any(self.call("Timeline.DeleteClips", timeline, items, False) for _ in range(2))

    # ---- Playhead, selection, marks ----------------------------------------------------------------------

    def playhead(self, timeline: Timeline) -> str:
        """As timecode; "" on pages that have none."""
        return self.text("Timeline.GetCurrentTimecode", timeline)

    def set_playhead(self, timeline: Timeline, timecode: str) -> bool:
        self.call("Timeline.SetCurrentTimecode", timeline, timecode)
        return self.playhead(timeline) == timecode

    def item_at_playhead(self, timeline: Timeline) -> Item | None:
        found = self.call("Timeline.GetCurrentVideoItem", timeline)
        return Item(found) if found else None

    def selected(self, timeline: Timeline) -> list[Item] | None:
        """None where this Resolve cannot tell: before 21.0.4."""
        if self.has("Timeline.GetSelectedClips", timeline):
            return [Item(each) for each in self.listed("Timeline.GetSelectedClips", timeline)]
        return None

    def marks(self, timeline: Timeline) -> Marks | None:
        """None where this Resolve cannot tell: before 19.1."""
        if self.has("Timeline.GetMarkInOut", timeline):
            found = self.call("Timeline.GetMarkInOut", timeline) or {}
            return Marks(_pair(found.get("video")), _pair(found.get("audio")))
        return None

    def set_marks(self, timeline: Timeline, marks: Marks) -> bool:
        """Whether they are so afterwards."""
        if self.marks(timeline) == marks:
            return True
        if self.has("Timeline.SetMarkInOut", timeline):
            self.call("Timeline.ClearMarkInOut", timeline, "all")
            for kind, (first, last) in (("video", marks.video), ("audio", marks.audio)):
                if first is not None and last is not None:
                    self.call("Timeline.SetMarkInOut", timeline, first, last, kind)
        return self.marks(timeline) == marks

    # ---- Markers -----------------------------------------------------------------------------------------

    def markers(self, timeline: Timeline) -> dict[int, str]:
        """Custom data by relative frame. Raises CallFailed: Resolve does not tell."""
        found = self.call("Timeline.GetMarkers", timeline)
        if not isinstance(found, dict):
            raise self.failed("Timeline.GetMarkers")
        return custom_data(found)

    def add_marker(self, timeline: Timeline, frame: int, name: str, note: str, data: str) -> bool:
        """Whether it is there afterwards: a frame holds one marker."""
        self.call("Timeline.AddMarker", timeline, frame, "Cyan", name, note, 1, data)
        return self.markers(timeline).get(frame) == data

    def delete_marker(self, timeline: Timeline, data: str) -> bool:
        return bool(self.call("Timeline.DeleteMarkerByCustomData", timeline, data))


def custom_data(markers: Any) -> dict[int, str]:
    """From what GetMarkers says, whose frames are floats."""
    found = markers if isinstance(markers, dict) else {}
    return {round(float(frame)): str(each.get("customData", "")) for frame, each in found.items()}


def _pair(found: Any) -> tuple[int | None, int | None]:
    if not isinstance(found, dict):
        return None, None
    first, last = found.get("in"), found.get("out")
    return (None if first is None else round(first)), (None if last is None else round(last))
