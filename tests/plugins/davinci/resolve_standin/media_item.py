"""A clip of the media pool: properties read from its file, metadata, markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .handle import Handle
from .markers import Coloured, InOutMarked, Marked
from .state import Media
from .timecode import frame_of, setting_of, timecode_of

NESTED = frozenset({"Compound", "Multicam", "Timeline", "Fusion", "Generator"})
"""Kinds of pool clips that have no file of their own."""
READ_ONLY = frozenset(
    {"File Path", "File Name", "FPS", "Frames", "Resolution", "Type", "Video Codec", "Duration", "End TC"}
)


class MediaPoolItemHandle(Marked, Coloured, InOutMarked):
    _class_name = "MediaPoolItem"
    _state: Media

    def _alive(self) -> bool:
        project = self._standin.project
        return self._state.alive and project is not None and self._standin.folder_of(self._state) is not None

    def GetName(self) -> str:
        return self._state.name

    def SetName(self, name: str) -> bool:
        self._state.name = name
        return True

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetMediaId(self) -> str:
        return f"media-{self._state.id}"

    def GetTimeline(self) -> Handle | None:
        return self._standin.timeline_handle(self._state.timeline)

    # Properties

    def GetClipProperty(self, name: str | None = None) -> Any:
        """A value, '' for an unknown key; all of them for none. FPS is a number here and Frames text (1.5)."""
        properties = clip_properties(self._state) | self._state.properties
        return properties.get(name, "") if name else properties

    def SetClipProperty(self, name: str, value: str) -> bool:
        if name not in clip_properties(self._state) or name in READ_ONLY:
            return False
        managed = self._standin.open.settings["colorScienceMode"] == "davinciYRGBColorManagedv2"
        if name == "Input Color Space" and not managed:
            return False  # (B16)
        if name == "Reel Name" and self._standin.derives_reel_names:
            return True  # answered, and not kept (T60)
        self._state.properties[name] = value
        return True

    def GetMetadata(self, name: str | None = None) -> Any:
        return self._state.metadata.get(name, "") if name else dict(self._state.metadata)

    def SetMetadata(self, name: Any, value: str = "", /) -> bool:
        self._state.metadata |= name if isinstance(name, dict) else {name: value}
        return True

    def GetThirdPartyMetadata(self, name: str | None = None) -> Any:
        return self._state.third_party.get(name, "") if name else dict(self._state.third_party)

    def SetThirdPartyMetadata(self, name: Any, value: str = "", /) -> bool:
        self._state.third_party |= name if isinstance(name, dict) else {name: value}
        return True

    def ReplaceClip(self, path: str) -> bool:
        """Another file under the same clip, whose metadata is lost (1.8)."""
        if not self._standin.read_file(self._state, Path(path)):
            return False
        self._state.metadata, self._state.third_party, self._state.properties = {}, {}, {}
        return True


def clip_properties(media: Media) -> dict[str, Any]:
    setting = setting_of(media.rate)
    first = frame_of(media.start_timecode, setting) or 0
    path = media.path
    if path and media.sequence_start is not None:
        span = f"[{media.sequence_start}-{media.sequence_start + media.frames - 1}]"
        path = path.with_name(path.name.replace("%0", "%").partition("%")[0] + span + path.suffix)
    return {
        "File Path": "" if media.kind in NESTED else str(path or ""),
        "File Name": path.name if path and media.kind not in NESTED else "",
        "Clip Name": media.name,
        "FPS": float(setting),
        "Frames": str(media.frames),
        "Start": str(media.sequence_start or 0),
        "End": str((media.sequence_start or 0) + media.frames - 1),
        "Start TC": media.start_timecode,
        "End TC": timecode_of(first + media.frames, setting),
        "Duration": timecode_of(media.frames, setting),
        "Resolution": f"{media.width}x{media.height}" if media.width else "",
        "Type": media.kind,
        "Video Codec": media.codec,
        "Bit Depth": "8",
        "Data Level": "Auto",
        "Alpha mode": "None",
        "Input Color Space": "Rec.709 Gamma 2.4",
        "IDT": "",
        "Reel Name": path.stem if path else "",
        "PAR": "Square",
        "Field Dominance": "Auto",
        "Online Status": "Online" if is_online(media) else "Offline",
    }


def is_online(media: Media) -> bool:
    if media.kind in NESTED or media.path is None:
        return True
    path = Path(str(media.path) % media.sequence_start) if media.sequence_start is not None else media.path
    return path.is_file()
