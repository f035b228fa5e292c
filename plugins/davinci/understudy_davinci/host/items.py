"""A clip on a timeline: where it lies, what it shows, how it is labelled, its takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..frames import RecordSpan
from .calling import Calling
from .handles import Item, PoolItem, Timeline
from .timeline import custom_data

LOOK = (
    "Pan", "Tilt", "ZoomX", "ZoomY", "ZoomGang", "RotationAngle", "AnchorPointX", "AnchorPointY", "Pitch", "Yaw",
    "FlipX", "FlipY", "CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness", "CropRetain",
    "Scaling", "ResizeFilter",
)  # fmt: skip
"""The properties that say how a clip lies in the frame."""

EFFECTS = {
    "StabilizationEnable": "is stabilised",
    "Distortion": "has a lens correction",
    "DynamicZoomEnable": "has a dynamic zoom",
}
"""Properties that change the picture itself; not every Resolve tells them."""


class ItemCalls(Calling):
    # ---- What it is --------------------------------------------------------------------------------------

    def item_name(self, item: Item) -> str:
        return self.text("TimelineItem.GetName", item)

    def item_id(self, item: Item) -> str:
        """ "" of what does not exist: deleted, or never placed."""
        return self.text("TimelineItem.GetUniqueId", item)

    def known_item_id(self, item: Item) -> str:
        """Raises CallFailed: it does not exist."""
        return self.name("TimelineItem.GetUniqueId", item)

    def pool_item(self, item: Item) -> PoolItem | None:
        """None of titles, generators and transitions."""
        found = self.call("TimelineItem.GetMediaPoolItem", item)
        return PoolItem(found) if found else None

    def track_of(self, item: Item) -> tuple[str, int]:
        """("video", 1)."""
        kind, index = self.must("TimelineItem.GetTrackTypeAndIndex", item)
        return str(kind), int(index)

    def fusion_comps(self, item: Item) -> int:
        return self.number("TimelineItem.GetFusionCompCount", item)

    def item_with_id(self, timeline: Timeline, item_id: str) -> Item | None:
        """Also where the artist has moved it."""
        for track in range(1, self.number("Timeline.GetTrackCount", timeline, "video") + 1):
            for each in self.listed("Timeline.GetItemListInTrack", timeline, "video", track):
                if self.item_id(Item(each)) == item_id:
                    return Item(each)
        return None

    # ---- Where it lies and what it shows -----------------------------------------------------------------

    def span(self, item: Item) -> RecordSpan:
        """Raises CallFailed: it does not exist."""
        start = self.number("TimelineItem.GetStart", item)
        return RecordSpan(start, start + self.number("TimelineItem.GetDuration", item))

    def left_offset(self, item: Item) -> int:
        """Source frames before its first one; where it is retimed, in its own time."""
        return self.number("TimelineItem.GetLeftOffset", item)

    def source_frames(self, item: Item) -> tuple[int, int]:
        """GetSourceStartFrame and GetSourceEndFrame; (0, 0): not known."""
        first = self.call("TimelineItem.GetSourceStartFrame", item)
        last = self.call("TimelineItem.GetSourceEndFrame", item)
        return round(float(first or 0)), round(float(last or 0))

    def speed(self, item: Item) -> float | None:
        """1.0: as shot. None where this Resolve cannot tell: before 21.1."""
        if self.has("TimelineItem.GetSpeed", item):
            found = self.call("TimelineItem.GetSpeed", item)
            return _speed(found)
        return None

    # ---- How it lies in the frame ------------------------------------------------------------------------

    def look(self, item: Item) -> dict[str, Any]:
        """Values of LOOK, as far as Resolve tells them."""
        found = self.call("TimelineItem.GetProperty", item)
        return {key: found[key] for key in LOOK if key in found} if isinstance(found, dict) else {}

    def effect(self, item: Item) -> str:
        """What of EFFECTS is on; "" if nothing, or nothing is told."""
        found = self.call("TimelineItem.GetProperty", item)
        told = found if isinstance(found, dict) else {}
        return next((text for key, text in EFFECTS.items() if told.get(key)), "")

    def set_look(self, item: Item, look: Mapping[str, Any]) -> list[str]:
        """The names of those that did not stick."""
        now = self.look(item)
        for key, value in look.items():
            if now.get(key) != value:
                self.call("TimelineItem.SetProperty", item, key, value)
        now = self.look(item)
        return [key for key, value in look.items() if now.get(key) != value]

    # ---- Labels ------------------------------------------------------------------------------------------

    def is_enabled(self, item: Item) -> bool:
        return bool(self.call("TimelineItem.GetClipEnabled", item))

    def enable(self, item: Item, enabled: bool) -> bool:
        self.call("TimelineItem.SetClipEnabled", item, enabled)
        return self.is_enabled(item) == enabled

    def colour(self, item: Item) -> bool:
        """Gives it the colour of results; whether it has it. Clips have 16 colours, which are not those of markers."""
        self.call("TimelineItem.SetClipColor", item, "Teal")
        return self.text("TimelineItem.GetClipColor", item) == "Teal"

    def item_markers(self, item: Item) -> dict[int, str]:
        """Custom data by frame. Which space that frame is of is not documented: markers are found by data alone."""
        return custom_data(self.call("TimelineItem.GetMarkers", item))

    def mark_item(self, item: Item, frame: int, name: str, note: str, data: str) -> bool:
        self.call("TimelineItem.AddMarker", item, frame, "Cyan", name, note, 1, data)
        return data in self.item_markers(item).values()

    def unmark_item(self, item: Item, data: str) -> bool:
        return bool(self.call("TimelineItem.DeleteMarkerByCustomData", item, data))

    # ---- Takes: they count from 1, and answer for the current timeline alone -----------------------------

    def takes(self, item: Item) -> int:
        return self.number("TimelineItem.GetTakesCount", item)

    def selected_take(self, item: Item) -> int:
        """0: it has no takes."""
        return self.number("TimelineItem.GetSelectedTakeIndex", item)

    def take_pool_item(self, item: Item, take: int) -> PoolItem | None:
        found = self.call("TimelineItem.GetTakeByIndex", item, take)
        media = found.get("mediaPoolItem") if isinstance(found, dict) else None
        return PoolItem(media) if media else None

    def add_take(self, item: Item, media: PoolItem, start: int, end: int) -> bool:
        return bool(self.call("TimelineItem.AddTake", item, media, start, end))

    def select_take(self, item: Item, take: int) -> bool:
        self.call("TimelineItem.SelectTakeByIndex", item, take)
        return self.selected_take(item) == take

    def finish_takes(self, item: Item) -> bool:
        """Leaves the one that is shown."""
        return bool(self.call("TimelineItem.FinalizeTake", item))

    def delete_take(self, item: Item, take: int) -> bool:
        return bool(self.call("TimelineItem.DeleteTakeByIndex", item, take))


def _speed(found: Any) -> float | None:
    """From {"Percentage": 100.0}, or the number alone."""
    try:
        return float(found["Percentage"] if isinstance(found, dict) else found) / 100
    except (TypeError, ValueError, KeyError):
        return None
