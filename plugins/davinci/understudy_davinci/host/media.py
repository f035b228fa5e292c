"""The media pool: bins, clips, what is imported, and what goes from there onto a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..frames import SourceSpan
from .handles import Folder, Item, PoolItem, Timeline
from .session import SessionCalls

PICKY_UNTIL = (20, 3, 2)  # before it, placing needs a selected clip in the media pool


class MediaCalls(SessionCalls):
    def pool(self) -> object:
        return self.must("Project.GetMediaPool", self.project())

    # ---- Bins --------------------------------------------------------------------------------------------

    def root_bin(self) -> Folder:
        return Folder(self.must("MediaPool.GetRootFolder", self.pool()))

    def current_bin(self) -> Folder:
        return Folder(self.must("MediaPool.GetCurrentFolder", self.pool()))

    def bin_id(self, folder: Folder) -> str:
        return self.name("Folder.GetUniqueId", folder)

    def bin_name(self, folder: Folder) -> str:
        return self.name("Folder.GetName", folder)

    def open_bin(self, folder: Folder) -> None:
        """Raises CallFailed unless *folder* is the current one afterwards."""
        self.call("MediaPool.SetCurrentFolder", self.pool(), folder)
        if self.bin_id(self.current_bin()) != self.bin_id(folder):
            raise self.failed("MediaPool.SetCurrentFolder", (self.bin_name(folder),))

    def sub_bins(self, folder: Folder) -> list[Folder]:
        return [Folder(each) for each in self.listed("Folder.GetSubFolderList", folder)]

    def sub_bin(self, parent: Folder, name: str) -> Folder:
        """The bin of that name in *parent*, made if there is none."""
        found = self.find_bin(parent, name)
        return found or Folder(self.must("MediaPool.AddSubFolder", self.pool(), parent, name))

    def find_bin(self, parent: Folder, name: str) -> Folder | None:
        return next((each for each in self.sub_bins(parent) if self.bin_name(each) == name), None)

    def all_bins(self) -> list[Folder]:
        """The root first, and each before those in it."""
        found = [self.root_bin()]
        for folder in found:
            found.extend(self.sub_bins(folder))
        return found

    def bin_by_id(self, bin_id: str) -> Folder | None:
        return next((each for each in self.all_bins() if self.bin_id(each) == bin_id), None)

    def drop_bin_if_empty(self, parent: Folder, name: str) -> None:
        """For bins of our own."""
        found = self.find_bin(parent, name)
        if found and not self.clips(found) and not self.sub_bins(found):
            self.call("MediaPool.DeleteFolders", self.pool(), [found])

    # ---- Clips -------------------------------------------------------------------------------------------

    def clips(self, folder: Folder) -> list[PoolItem]:
        return [PoolItem(each) for each in self.listed("Folder.GetClipList", folder)]

    def clip_properties(self, media: PoolItem) -> dict[str, str]:
        """Everything Resolve tells of a clip, by the names that its own columns have."""
        found = self.call("MediaPoolItem.GetClipProperty", media)
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    def set_clip_property(self, media: PoolItem, key: str, value: str) -> bool:
        """Whether it is so afterwards: Resolve also says yes to what it does not keep."""
        self.call("MediaPoolItem.SetClipProperty", media, key, value)
        return self.clip_properties(media).get(key, "") == value

    def media_id(self, media: PoolItem) -> str:
        return self.name("MediaPoolItem.GetUniqueId", media)

    def file_of(self, media: PoolItem) -> str:
        return self.clip_properties(media).get("File Path", "")

    def set_clip_facts(self, media: PoolItem, facts: Mapping[str, str]) -> bool:
        """Keeps *facts* with the clip, out of the artist's columns."""
        return bool(self.call("MediaPoolItem.SetThirdPartyMetadata", media, dict(facts)))

    def selected_in_pool(self) -> list[PoolItem]:
        pool = self.pool()
        if self.has("MediaPool.GetSelectedClips", pool):
            return [PoolItem(each) for each in self.listed("MediaPool.GetSelectedClips", pool)]
        return []

    def import_file(self, path: Path, folder: Folder) -> PoolItem:
        """The clip of *path* in *folder*: imported, or found where an earlier run has imported it.

        Raises:
            CallFailed: Resolve does not read it.
        """
        for each in self.clips(folder):
            if self.file_of(each) == str(path):
                return each
        self.open_bin(folder)
        found = self.listed("MediaPool.ImportMedia", self.pool(), [str(path)])
        if not found or self.file_of(PoolItem(found[0])) != str(path):
            raise self.failed("MediaPool.ImportMedia", ([str(path)],))
        return PoolItem(found[0])

    def forget_clips(self, clips: list[PoolItem]) -> bool:
        """Takes them out of the media pool; their files stay."""
        return bool(self.call("MediaPool.DeleteClips", self.pool(), clips))

    # ---- Onto a timeline ---------------------------------------------------------------------------------

    def append(self, media: PoolItem, source: SourceSpan, track: int, record_start: int) -> list[Item]:
        """Puts pictures without sound onto the current timeline. What is answered may not exist: look at the track."""
        self._select_where_needed(media)
        info: dict[str, Any] = {
            "mediaPoolItem": media,
            "startFrame": source.start,
            "endFrame": source.end,
            "mediaType": 1,
            "trackIndex": track,
            "recordFrame": record_start,
        }
        return [Item(each) for each in self.listed("MediaPool.AppendToTimeline", self.pool(), [info])]

    def _select_where_needed(self, media: PoolItem) -> None:
        """A selection of the artist's will do, and stays; it could not be taken away again."""
        pool = self.pool()
        if self.edition().version >= PICKY_UNTIL or self.selected_in_pool():
            return
        if self.has("MediaPool.SetSelectedClip", pool):
            self.call("MediaPool.SetSelectedClip", pool, media)

    # ---- Timelines of our own ----------------------------------------------------------------------------

    def new_timeline(self, name: str, folder: Folder) -> Timeline:
        """An empty one in *folder*, which Resolve then shows."""
        self.open_bin(folder)
        return Timeline(self.must("MediaPool.CreateEmptyTimeline", self.pool(), name))

    def copy_timeline(self, timeline: Timeline, name: str, folder: Folder) -> Timeline:
        """A copy with all clips, grades and speeds, which Resolve then shows."""
        self.open_bin(folder)
        return Timeline(self.must("Timeline.DuplicateTimeline", timeline, name))

    def timelines_named(self, name: str) -> list[Timeline]:
        return [each for each in self.timelines() if self.timeline_name(each) == name]

    def delete_timeline(self, timeline: Timeline) -> bool:
        """Whether it is gone afterwards."""
        wanted = self.timeline_id(timeline)
        self.call("MediaPool.DeleteTimelines", self.pool(), [timeline])
        return self.timeline_by_id(wanted) is None
