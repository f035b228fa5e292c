"""Markers and colours, which timelines, their items and pool clips share."""

from __future__ import annotations

from typing import Any

from .handle import Handle

CLIP_COLOURS = frozenset(
    [
        "Orange",
        "Apricot",
        "Yellow",
        "Lime",
        "Olive",
        "Green",
        "Teal",
        "Navy",
        "Blue",
        "Purple",
        "Violet",
        "Pink",
        "Tan",
        "Beige",
        "Brown",
        "Chocolate",
    ]
)
MARKER_COLOURS = frozenset(
    [
        "Blue",
        "Cyan",
        "Green",
        "Yellow",
        "Red",
        "Pink",
        "Purple",
        "Fuchsia",
        "Rose",
        "Lavender",
        "Sky",
        "Mint",
        "Lemon",
        "Sand",
        "Cocoa",
        "Cream",
    ]
)


class Marked(Handle):
    """AddMarker and its relatives (R:404): keys are floats, one marker a frame, customData '' where none is set."""

    def AddMarker(
        self, frame: Any, color: str, name: str, note: str, duration: Any, custom_data: str = "", /
    ) -> bool:
        markers = self._state.markers
        if color not in MARKER_COLOURS or float(frame) in markers or frame < 0 or duration < 1:
            return False
        markers[float(frame)] = {
            "color": color,
            "duration": float(duration),
            "note": note,
            "name": name,
            "customData": custom_data,
        }
        return True

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {frame: dict(marker) for frame, marker in sorted(self._state.markers.items())}

    def GetMarkerByCustomData(self, custom_data: str) -> dict[str, Any]:
        return next((dict(m) for m in self._state.markers.values() if m["customData"] == custom_data), {})

    def UpdateMarkerCustomData(self, frame: Any, custom_data: str) -> bool:
        if float(frame) not in self._state.markers:
            return False
        self._state.markers[float(frame)]["customData"] = custom_data
        return True

    def GetMarkerCustomData(self, frame: Any) -> str:
        return self._state.markers.get(float(frame), {}).get("customData", "")

    def DeleteMarkersByColor(self, color: str) -> bool:
        return self._drop([f for f, m in self._state.markers.items() if color in ("All", m["color"])])

    def DeleteMarkerAtFrame(self, frame: Any) -> bool:
        return self._drop([f for f in self._state.markers if f == float(frame)])

    def DeleteMarkerByCustomData(self, custom_data: str) -> bool:
        return self._drop([f for f, m in self._state.markers.items() if m["customData"] == custom_data][:1])

    def _drop(self, frames: list[float]) -> bool:
        for frame in frames:
            del self._state.markers[frame]
        return bool(frames)


class Coloured(Handle):
    """The label of a clip: 16 colours of its own, five of which markers have as well (T69)."""

    def GetClipColor(self) -> str:
        return self._state.colour

    def SetClipColor(self, color: str) -> bool:
        if color not in CLIP_COLOURS:
            return False
        if getattr(self._state, "kind", "") not in ("generator", "title"):
            self._state.colour = color  # on a generator it answers True and does not stick (T70)
        return True

    def ClearClipColor(self) -> bool:
        self._state.colour = ""
        return True


class InOutMarked(Handle):
    """Mark in and out, frames from the start of the timeline or clip, both included (19.1)."""

    def GetMarkInOut(self) -> dict[str, dict[str, int]]:
        return {kind: dict(self._state.marks.get(kind, {})) for kind in ("video", "audio")}

    def SetMarkInOut(self, mark_in: int, mark_out: int, kind: str = "all") -> bool:
        if kind not in ("all", "video", "audio") or not 0 <= mark_in <= mark_out:
            return False
        for each in ("video", "audio") if kind == "all" else (kind,):
            self._state.marks[each] = {"in": mark_in, "out": mark_out}
        return True

    def ClearMarkInOut(self, kind: str = "all") -> bool:
        if kind not in ("all", "video", "audio"):
            return False
        for each in ("video", "audio") if kind == "all" else (kind,):
            self._state.marks.pop(each, None)
        return True
