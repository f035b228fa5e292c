"""An item on a track: where it lies, what of its source it shows, its takes."""

from __future__ import annotations

from typing import Any

from .handle import Handle
from .markers import Coloured, Marked
from .state import Item, Take
from .timecode import frame_of, rate_of, setting_of

PROPERTIES: dict[str, Any] = {
    **dict.fromkeys(
        ("Pan", "Tilt", "RotationAngle", "AnchorPointX", "AnchorPointY", "Pitch", "Yaw", "Distortion"), 0.0
    ),
    **dict.fromkeys(("CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness"), 0.0),
    **dict.fromkeys(("ZoomX", "ZoomY"), 1.0),
    **dict.fromkeys(("FlipX", "FlipY", "CropRetain"), False),
    **dict.fromkeys(
        ("CompositeMode", "DynamicZoomEase", "RetimeProcess", "MotionEstimation", "Scaling", "ResizeFilter"),
        0,
    ),
    "ZoomGang": True,
    "Opacity": 100.0,
}
"""An item's properties as they stand before anybody touches them."""


class TimelineItemHandle(Marked, Coloured):
    _class_name = "TimelineItem"
    _state: Item

    def _alive(self) -> bool:
        """False for what was deleted, and for a ghost: an item that was answered and never placed (1.6).

        On request also for items of a timeline that is not the current one, as 1.8 has it of stale handles.
        """
        timeline = self._standin.timeline_of(self._state)
        if self._standin.other_timelines_are_dumb and timeline is not self._standin.open.current_timeline:
            return False
        return self._state.alive and not self._state.ghost and timeline is not None

    def GetName(self) -> str:
        return self._state.name

    def SetName(self, name: str) -> bool:
        self._state.name = name
        return True

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetType(self) -> str:
        return {
            "audio": "audio",
            "transition": "transition",
            "title": "generator",
            "generator": "generator",
        }.get(self._state.kind, "video")

    def GetMediaPoolItem(self) -> Handle | None:
        return self._standin.media_handle(self._state.media) if self._state.media else None

    def GetTrackTypeAndIndex(self) -> list[Any] | None:
        return self._standin.place_of(self._state)

    def GetLinkedItems(self) -> list[Handle]:
        return [self._standin.item_handle(item) for item in self._state.linked if item.alive]

    # Where it lies: absolute timeline frames, the end excluded (R:475-500)

    def GetStart(self, subframe_precision: bool = False) -> int | float:
        return _as(self._state.start, subframe_precision)

    def GetEnd(self, subframe_precision: bool = False) -> int | float:
        return _as(self._state.end, subframe_precision)

    def GetDuration(self, subframe_precision: bool = False) -> int | float:
        return _as(self._state.duration, subframe_precision)

    # What it shows of its source (1.5)

    def GetLeftOffset(self, subframe_precision: bool = False) -> int | float:
        """Exact, but divided by the speed on a retimed item (T35, T38)."""
        return _as(self._state.source_start / abs(self._state.speed), subframe_precision)

    def GetRightOffset(self, subframe_precision: bool = False) -> int | float:
        item = self._state
        out = item.source_start + item.source_span
        frames = item.media.frames if item.media else out
        tail = frames - out if self._standin.profile.right_offset_is_the_tail else out
        return _as(tail / abs(item.speed), subframe_precision)

    def GetSourceStartFrame(self) -> int:
        if self._state.source_unknown or self._state.media is None:
            return 0
        return self._source()[0] + self._state.source_jitter

    def GetSourceEndFrame(self) -> int:
        """The end excluded where the rates agree and included where they differ (T36)."""
        if self._state.source_unknown or self._state.media is None:
            return 0
        return self._source()[1] - (1 if self._mixed() else 0)

    def GetSourceStartTime(self) -> float:
        """Seconds of the file's own timecode: only differences mean something (DRMCP #147)."""
        return self._seconds(self._source()[0])

    def GetSourceEndTime(self) -> float:
        return self._seconds(self._source()[1])

    def _source(self) -> tuple[int, int]:
        first, last = self._state.source_start, self._state.source_start + self._state.source_span
        return (last, first) if self._state.speed < 0 else (first, last)

    def _mixed(self) -> bool:
        timeline = self._standin.timeline_of(self._state)
        assert timeline is not None
        assert self._state.media is not None
        return self._state.media.rate != rate_of(timeline.settings["timelineFrameRate"])

    def _seconds(self, frame: int) -> float:
        media = self._state.media
        if media is None:
            return 0.0
        start = frame_of(media.start_timecode, setting_of(media.rate)) or 0
        return float((start + frame) / media.rate)

    def GetSpeed(self) -> dict[str, Any]:
        return {"Percentage": float(self._state.speed * 100), "PitchCorrection": False}

    # Properties

    def GetClipEnabled(self) -> bool:
        return self._state.enabled

    def SetClipEnabled(self, enabled: bool) -> bool:
        self._state.enabled = enabled
        return True

    def GetProperty(self, name: str = "") -> Any:
        properties = self._properties()
        return properties.get(name) if name else properties

    def GetProperties(self) -> dict[str, Any]:
        return self._properties()

    def SetProperty(self, name: str, value: Any) -> bool:
        if name not in self._properties():
            return False
        self._state.properties[name] = value
        return True

    def SetProperties(self, properties: dict[str, Any]) -> bool:
        known = properties.keys() <= self._properties().keys()
        if known:
            self._state.properties |= properties
        return known

    def _properties(self) -> dict[str, Any]:
        return {} if self._state.kind == "transition" else PROPERTIES | self._state.properties

    def GetNodeGraph(self, layer: int = 1) -> Handle:
        return GraphHandle(self._standin, self._state)

    def CopyGrades(self, items: list[Handle]) -> bool:
        for item in items:
            item._state.graded = self._state.graded
        return bool(items)

    def GetFusionCompCount(self) -> int:
        return int(self._state.kind == "fusion")

    def GetFusionCompNameList(self) -> list[str]:
        return ["Composition 1"] if self._state.kind == "fusion" else []

    def CreateMagicMask(self, mode: str) -> bool:
        """Follows clicks that the artist has placed (T77); the free edition says no and opens its dialog (T42)."""
        if not self._standin.profile.studio:
            self._standin.open_modal("Upgrade to DaVinci Resolve Studio")
            return False
        return mode in ("F", "B", "BI") and self._state.mask_clicks > 0

    def RegenerateMagicMask(self) -> bool:
        return self._standin.profile.studio and self._state.mask_clicks > 0

    # Takes (R:523-529). Getters answer on the current timeline alone

    def AddTake(self, media: Handle, start: int | None = None, end: int | None = None) -> bool:
        """A further take, not chosen by this: the first call makes what lies there take 1 (B15)."""
        if not self._on_current_timeline() or not media._alive() or self._state.media is None:
            return False
        item, added = self._state, media._state
        if not item.takes:
            item.takes = [Take(self._state.media, item.source_start, item.source_start + item.source_span)]
            item.selected_take = 1
        last = added.frames if end is None else end + self._standin.profile.append_end_inclusive
        item.takes.append(Take(added, start or 0, min(last, added.frames)))
        return True

    def GetTakesCount(self) -> int | None:
        return len(self._state.takes) if self._on_current_timeline() else None

    def GetSelectedTakeIndex(self) -> int | None:
        return self._state.selected_take if self._on_current_timeline() else None

    def GetTakeByIndex(self, index: int) -> dict[str, Any] | None:
        if not self._on_current_timeline() or not 1 <= index <= len(self._state.takes):
            return None
        take = self._state.takes[index - 1]
        media = self._standin.media_handle(take.media)
        return {"startFrame": take.start, "endFrame": take.end, "mediaPoolItem": media}

    def SelectTakeByIndex(self, index: int) -> bool:
        if not self._on_current_timeline() or not 1 <= index <= len(self._state.takes):
            return False
        take = self._state.takes[index - 1]
        self._state.selected_take = index
        self._state.media, self._state.source_start = take.media, take.start
        self._state.source_span, self._state.name = take.end - take.start, take.media.name
        return True

    def DeleteTakeByIndex(self, index: int) -> bool:
        if not self._on_current_timeline() or not 1 <= index <= len(self._state.takes):
            return False
        if index == self._state.selected_take:
            return False
        del self._state.takes[index - 1]
        self._state.selected_take -= index < self._state.selected_take
        return True

    def FinalizeTake(self) -> bool:
        if not self._on_current_timeline() or not self._state.takes:
            return False
        self._state.takes, self._state.selected_take = [], 0
        return True

    def _on_current_timeline(self) -> bool:
        return self._standin.timeline_of(self._state) is self._standin.open.current_timeline


class GraphHandle(Handle):
    _class_name = "Graph"
    _state: Item

    def GetNumNodes(self) -> int:
        return 1

    def GetToolsInNode(self, node: int) -> list[str] | None:
        return ["Primaries - Wheels"] if self._state.graded else []

    def GetLUT(self, node: int) -> str:
        return ""


def _as(value: Any, subframe_precision: bool) -> int | float:
    return float(value) if subframe_precision else int(value)
