"""A timeline: tracks, playhead, marks, what lies on it."""

from __future__ import annotations

from typing import Any

from .handle import Handle
from .markers import InOutMarked, Marked
from .settings import get_setting, set_setting
from .state import TRACK_TYPES, Item, Timeline, Track
from .timecode import frame_of, timecode_of

PLAYHEAD_PAGES = frozenset({"cut", "edit", "color", "fairlight", "deliver"})


class TimelineHandle(Marked, InOutMarked):
    _class_name = "Timeline"
    _state: Timeline

    def _alive(self) -> bool:
        project = self._standin.project
        return self._state.alive and project is not None and self._state in project.timelines

    def GetName(self) -> str:
        return self._state.name

    def SetName(self, name: str) -> bool:
        if any(timeline.name == name for timeline in self._standin.open.timelines):
            return False
        self._state.name = name
        return True

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetMediaPoolItem(self) -> Handle | None:
        return self._standin.media_handle(self._state.pool_item) if self._state.pool_item else None

    def GetStartFrame(self) -> int:
        return self._state.start

    def GetEndFrame(self) -> int:
        return self._state.end

    def GetStartTimecode(self) -> str:
        return timecode_of(self._state.start, self._rate())

    def SetStartTimecode(self, timecode: str) -> bool:
        frame = frame_of(timecode, self._rate())
        if frame is None or self._state.every_item():
            return False
        self._state.start = self._state.playhead = frame
        return True

    def _rate(self) -> str:
        return self._state.settings["timelineFrameRate"]

    # Settings

    def GetSetting(self, name: str = "") -> Any:
        return get_setting(self._state.settings, name)

    def GetSettings(self) -> dict[str, Any]:
        return get_setting(self._state.settings, "")

    def SetSetting(self, name: str, value: Any) -> bool:
        """A timeline has the project's settings until useCustomSettings is "1" (21.1's GetSettings), its rate for good
        once clips are on it (as users tell)."""
        custom = self._state.settings["useCustomSettings"] == "1"
        if name != "useCustomSettings" and not custom:
            return False
        if name == "timelineFrameRate" and self._state.every_item():
            return False
        return set_setting(self._state.settings, name, value)

    def SetSettings(self, settings: dict[str, Any]) -> bool:
        first = sorted(settings, key=lambda name: name != "useCustomSettings")
        done = [self._standin.unlogged(self, "SetSetting", name, settings[name]) for name in first]
        return all(done)

    # Tracks: 1-based; what is out of range gives None, False or an empty list (R:372-399)

    def GetTrackCount(self, track_type: str) -> int:
        return len(self._state.tracks.get(track_type, []))

    def AddTrack(self, track_type: str, options: Any = None) -> bool:
        if track_type not in TRACK_TYPES:
            return False
        tracks, index = self._state.tracks[track_type], len(self._state.tracks[track_type]) + 1
        if isinstance(options, dict) and 1 <= options.get("index", index) <= len(tracks):
            index = options["index"]
        sub_type = options.get("audioType", "mono") if isinstance(options, dict) else options or "mono"
        name = f"{track_type.title()} {len(tracks) + 1}"
        tracks.insert(index - 1, Track(name, sub_type=sub_type if track_type == "audio" else ""))
        return True

    def DeleteTrack(self, track_type: str, index: int) -> bool:
        track = self._track(track_type, index)
        if track is None:
            return False
        for item in list(track.items):
            self._standin.remove_item(self._state, item)
        self._state.tracks[track_type].remove(track)
        return True

    def GetTrackName(self, track_type: str, index: int) -> str | None:
        track = self._track(track_type, index)
        return track.name if track else None

    def SetTrackName(self, track_type: str, index: int, name: str) -> bool:
        return self._change(track_type, index, name=name)

    def GetTrackSubType(self, track_type: str, index: int) -> str | None:
        track = self._track(track_type, index)
        return track.sub_type if track else None

    def SetTrackEnable(self, track_type: str, index: int, enabled: bool) -> bool:
        return self._change(track_type, index, enabled=enabled)

    def GetIsTrackEnabled(self, track_type: str, index: int) -> bool:
        track = self._track(track_type, index)
        return track is not None and track.enabled

    def SetTrackLock(self, track_type: str, index: int, locked: bool) -> bool:
        return self._change(track_type, index, locked=locked)

    def GetIsTrackLocked(self, track_type: str, index: int) -> bool:
        track = self._track(track_type, index)
        return track is not None and track.locked

    def _track(self, track_type: str, index: int) -> Track | None:
        tracks = self._state.tracks.get(track_type, [])
        return tracks[index - 1] if 1 <= index <= len(tracks) else None

    def _change(self, track_type: str, index: int, **changes: Any) -> bool:
        track = self._track(track_type, index)
        if track is None:
            return False
        for name, value in changes.items():
            setattr(track, name, value)
        return True

    # Items

    def GetItemListInTrack(self, track_type: str, index: int) -> list[Handle]:
        track = self._track(track_type, index)
        return [self._standin.item_handle(item) for item in track.items] if track else []

    def GetSelectedClips(self) -> list[Handle]:
        return [self._standin.item_handle(item) for item in self._state.selection if item.alive]

    def DeleteClips(self, items: list[Handle], ripple: bool = False) -> bool:
        """Only on the Edit page; sound linked to a deleted picture stays (T63, T64). Locked tracks: the safe guess."""
        if self._standin.page != "edit" or not items or not all(item._alive() for item in items):
            return False
        if any(
            track.locked and item._state in track.items
            for item in items
            for track in self._state.tracks["video"]
        ):
            return False
        for item in items:
            self._standin.remove_item(self._state, item._state)
            if ripple:
                self._close_gap(item._state)
        return True

    def _close_gap(self, gone: Item) -> None:
        for item in self._state.every_item():
            if item.start >= gone.end:
                item.start -= gone.duration

    def SetClipsLinked(self, items: list[Handle], linked: bool) -> bool:
        states = [item._state for item in items]
        for state in states:
            state.linked = [other for other in states if other is not state] if linked else []
        return bool(states)

    # Playhead: only on the pages that have one (R:411)

    def GetCurrentTimecode(self) -> str | None:
        if self._standin.page not in PLAYHEAD_PAGES:
            return None
        return timecode_of(self._state.playhead, self._rate())

    def SetCurrentTimecode(self, timecode: str) -> bool:
        frame = frame_of(timecode, self._rate())
        if self._standin.page not in PLAYHEAD_PAGES or frame is None or frame < self._state.start:
            return False
        self._state.playhead = frame
        return True

    def GetCurrentVideoItem(self) -> Handle | None:
        """The top-most item under the playhead; None over a gap and on the Media and Fusion pages (B9)."""
        if self._standin.page not in PLAYHEAD_PAGES:
            return None
        for track in reversed(self._state.tracks["video"]):
            for item in track.items:
                if item.covers(self._state.playhead) and item.kind != "transition":
                    return self._standin.item_handle(item)
        return None

    def GetCurrentClipThumbnailImage(self) -> dict[str, Any] | None:
        """None off the Color page; on it the page must also be in front, which nobody can ask (1.4)."""
        return None

    def DuplicateTimeline(self, name: str = "") -> Handle | None:
        return self._standin.timeline_handle(
            self._standin.duplicate(self._state, name or f"{self._state.name} copy")
        )
