"""A project: its timelines and settings, and the calls of the render queue, which all live on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .handle import Handle
from .media_file import Pixels
from .picture import shown_at
from .render_formats import CODECS, write_still
from .settings import get_setting, set_setting
from .state import Project

STILL_CODECS = {
    ".png": ("png", "RGB16"),
    ".tif": ("tif", "RGB16"),
    ".tiff": ("tif", "RGB16"),
    ".dpx": ("dpx", "RGB10"),
}


class ProjectHandle(Handle):
    _class_name = "Project"
    _state: Project

    def _alive(self) -> bool:
        return self._state is self._standin.project

    def GetName(self) -> str:
        return self._state.name

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetMediaPool(self) -> Handle:
        return self._standin.media_pool()

    def GetGallery(self) -> Handle:
        return self._standin.gallery()

    # Timelines

    def GetTimelineCount(self) -> int:
        return len(self._state.timelines)

    def GetTimelineByIndex(self, index: int) -> Handle | None:
        within = 1 <= index <= len(self._state.timelines)
        return self._standin.timeline_handle(self._state.timelines[index - 1]) if within else None

    def GetCurrentTimeline(self) -> Handle | None:
        return self._standin.timeline_handle(self._state.current_timeline)

    def SetCurrentTimeline(self, timeline: Handle | None) -> bool:
        if timeline is None or not timeline._alive():
            return False
        self._state.current_timeline = timeline._state
        return True

    # Settings

    def GetSetting(self, name: str = "") -> Any:
        return get_setting(self._state.settings, name)

    def GetSettings(self) -> dict[str, Any]:
        return get_setting(self._state.settings, "")

    def SetSetting(self, name: str, value: Any, sharpness: float = 0, noise: float = 0, /) -> bool:
        if name == "timelineFrameRate" and self._state.timelines:
            return False  # the first timeline fixes a project's rate: as users tell, not documented
        return set_setting(self._state.settings, name, value)

    def SetSettings(self, settings: dict[str, Any]) -> bool:
        done = [self._standin.unlogged(self, "SetSetting", name, value) for name, value in settings.items()]
        return all(done)

    # Render queue (section 1.7)

    def GetRenderFormats(self) -> dict[str, str]:
        return self._standin.queue.formats()

    def GetRenderCodecs(self, render_format: str) -> dict[str, str]:
        """Description: id. The ids stay; with 21 every DNx description became "Avid DNx…" (1.7)."""
        avid = "Avid " if self._standin.profile.version >= (21, 0, 0) else ""
        codecs = CODECS.get(render_format, {}).items()
        return {(avid if name.startswith("DNx") else "") + codec.description: name for name, codec in codecs}

    def GetCurrentRenderFormatAndCodec(self) -> dict[str, str]:
        return {"format": self._standin.queue.format, "codec": self._standin.queue.codec}

    def SetCurrentRenderFormatAndCodec(self, render_format: str, codec: str) -> bool:
        return self._standin.queue.choose(render_format, codec)

    def GetCurrentRenderMode(self) -> int:
        return self._standin.queue.mode

    def SetCurrentRenderMode(self, mode: int) -> bool:
        if mode not in (0, 1):
            return False
        self._standin.queue.mode = mode
        return True

    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        return self._standin.queue.set(settings)

    def AddRenderJob(self) -> str:
        return self._standin.queue.add(self._state.current_timeline)

    def DeleteRenderJob(self, job_id: str) -> bool:
        return self._standin.queue.delete(job_id)

    def DeleteAllRenderJobs(self) -> bool:
        return self._standin.queue.delete_all()

    def GetRenderJobList(self) -> list[dict[str, Any]]:
        return self._standin.queue.listed()

    def GetRenderJobStatus(self, job_id: str) -> dict[str, Any]:
        return self._standin.queue.status(job_id)

    def StartRendering(self, *jobs: Any, isInteractiveMode: bool = False) -> bool:
        ids = [
            each
            for job in jobs
            for each in (job if isinstance(job, list) else [job])
            if not isinstance(each, bool)
        ]
        return self._standin.queue.start(ids)

    def StopRendering(self) -> None:
        self._standin.queue.stop()

    def IsRenderingInProgress(self) -> bool:
        return self._standin.queue.rendering()

    def GetRenderPresetList(self) -> list[str]:
        return sorted(self._standin.queue.presets)

    def LoadRenderPreset(self, name: str) -> bool:
        return self._standin.queue.load_preset(name)

    def SaveAsNewRenderPreset(self, name: str) -> bool:
        return self._standin.queue.save_preset(name)

    def DeleteRenderPreset(self, name: str) -> bool:
        return self._standin.queue.delete_preset(name)

    # Stills

    def ExportCurrentFrameAsStill(self, path: str) -> bool:
        """A real picture of the playhead's frame; the name must end in a format that Resolve knows (B22)."""
        timeline = self._state.current_timeline
        chosen = STILL_CODECS.get(Path(path).suffix.lower())
        if timeline is None or chosen is None or not Path(path).parent.is_dir():
            return False
        size = (
            int(timeline.settings["timelineResolutionWidth"]),
            int(timeline.settings["timelineResolutionHeight"]),
        )
        picture: Pixels = shown_at(timeline, timeline.playhead, size)
        write_still(Path(path), picture, CODECS[chosen[0]][chosen[1]], alpha=False)
        return True
