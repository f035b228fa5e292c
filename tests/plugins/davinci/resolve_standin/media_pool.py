"""The media pool: folders, imports, timelines; and the media storage, from where mattes are added."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .handle import Handle
from .media_item import MediaPoolItemHandle
from .placement import append
from .state import Folder, Media


class FolderHandle(Handle):
    _class_name = "Folder"
    _state: Folder

    def _alive(self) -> bool:
        project = self._standin.project
        return self._state.alive and project is not None and self._state in project.root.walk()

    def GetName(self) -> str:
        return self._state.name

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetClipList(self) -> list[Handle]:
        return [self._standin.media_handle(media) for media in self._state.clips]

    def GetSubFolderList(self) -> list[Handle]:
        return [FolderHandle(self._standin, folder) for folder in self._state.folders]

    def GetIsFolderStale(self) -> bool:
        return False


class MediaPoolHandle(Handle):
    _class_name = "MediaPool"

    def GetUniqueId(self) -> str:
        return f"pool-{self._standin.open.id}"

    # Folders

    def GetRootFolder(self) -> Handle:
        return FolderHandle(self._standin, self._standin.open.root)

    def GetCurrentFolder(self) -> Handle:
        return FolderHandle(self._standin, self._standin.open.current_folder)

    def SetCurrentFolder(self, folder: Handle) -> bool:
        if not isinstance(folder, FolderHandle) or not folder._alive():
            return False
        self._standin.open.current_folder = folder._state
        return True

    def AddSubFolder(self, folder: Handle, name: str) -> Handle | None:
        """A new folder; None where the name is taken. It becomes the current one: as users tell, not documented."""
        if not folder._alive() or any(below.name == name for below in folder._state.folders):
            return None
        made = Folder(self._standin.new_id(), name)
        folder._state.folders.append(made)
        self._standin.open.current_folder = made
        return FolderHandle(self._standin, made)

    def DeleteFolders(self, folders: list[Handle]) -> bool:
        doomed = [folder._state for folder in folders]
        for folder in doomed:
            self._delete([clip for each in folder.walk() for clip in each.clips])
            for above in self._standin.open.root.walk():
                above.folders = [below for below in above.folders if below is not folder]
            folder.alive = False
        if self._standin.open.current_folder not in self._standin.open.root.walk():
            self._standin.open.current_folder = self._standin.open.root
        return bool(doomed)

    def MoveClips(self, clips: list[Handle], folder: Handle) -> bool:
        if not folder._alive() or not all(clip._alive() for clip in clips):
            return False
        moved = [clip._state for clip in clips]
        for each in self._standin.open.root.walk():
            each.clips = [clip for clip in each.clips if clip not in moved]
        folder._state.clips += moved
        return True

    # Clips

    def ImportMedia(self, items: list[Any]) -> list[Handle]:
        """Into the current folder alone; what is no media comes back as nothing, without an error (R:262-266)."""
        found = [self._imported(item) for item in items]
        return [self._standin.media_handle(media) for media in found if media]

    def _imported(self, item: Any) -> Media | None:
        if not isinstance(item, dict):
            return self._standin.add_media(Path(item))
        path, first = Path(item.get("FilePath", "")), int(item.get("StartIndex", -1))
        if "%" in path.name and first >= 0:
            return self._standin.add_media(path, sequence=(first, int(item.get("EndIndex", first))))
        # A plain file as a dict is a form of 21.1; before, dicts were for sequences (1.4).
        return self._standin.add_media(path) if self._standin.profile.version >= (21, 1, 0) else None

    def DeleteClips(self, clips: list[Handle]) -> bool:
        return self._delete([clip._state for clip in clips if clip._alive()])

    def _delete(self, doomed: list[Media]) -> bool:
        for media in doomed:
            media.alive = False
            if media.timeline:
                self._standin.delete_timeline(media.timeline)
            for timeline in self._standin.open.timelines:
                for item in timeline.every_item():
                    if item.media is media:
                        self._standin.remove_item(timeline, item)
        for folder in self._standin.open.root.walk():
            folder.clips = [clip for clip in folder.clips if clip not in doomed]
        return bool(doomed)

    def GetSelectedClips(self) -> list[Handle]:
        return [self._standin.media_handle(media) for media in self._standin.open.selected_clips]

    def SetSelectedClip(self, clip: Handle) -> bool:
        if not clip._alive():
            return False
        self._standin.open.selected_clips = [clip._state]
        return True

    def GetClipMatteList(self, clip: Handle) -> list[str]:
        return list(clip._state.mattes)

    def DeleteClipMattes(self, clip: Handle, paths: list[str]) -> bool:
        kept = [path for path in clip._state.mattes if path not in paths]
        changed, clip._state.mattes = len(kept) < len(clip._state.mattes), kept
        return changed

    # Timelines

    def CreateEmptyTimeline(self, name: str) -> Handle | None:
        """Becomes the current timeline; None where the name is taken."""
        if any(timeline.name == name for timeline in self._standin.open.timelines):
            return None
        return self._standin.timeline_handle(self._standin.add_timeline(name))

    def DeleteTimelines(self, timelines: list[Handle]) -> bool:
        doomed = [timeline._state for timeline in timelines if timeline._alive()]
        for timeline in doomed:
            self._standin.delete_timeline(timeline)
        return bool(doomed)

    def AppendToTimeline(self, first: Any, *more: Any) -> list[Handle] | None:
        entries = first if isinstance(first, list) else [first, *more]
        placed = append(self._standin, [_entry(entry) for entry in entries])
        return None if placed is None else [self._standin.item_handle(item) for item in placed]


def _entry(entry: Any) -> dict[str, Any]:
    return dict(entry) if isinstance(entry, dict) else {"mediaPoolItem": entry}


class MediaStorageHandle(Handle):
    _class_name = "MediaStorage"

    def GetMountedVolumeList(self) -> list[str]:
        return ["/"]

    def AddClipMattesToMediaPool(self, clip: Handle, paths: list[str], eye: str = "") -> bool:
        if (
            not isinstance(clip, MediaPoolItemHandle)
            or not clip._alive()
            or not all(Path(p).is_file() for p in paths)
        ):
            return False
        clip._state.mattes += paths
        return True
