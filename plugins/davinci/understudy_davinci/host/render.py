"""The render queue. Only jobs of our own are started or deleted, and only by their id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..frames import Rate, RecordSpan, render_marks
from .session import SessionCalls

MOVIE_PRESETS = ("ProRes 422 HQ", "H.264 Master")


@dataclass(frozen=True, slots=True)
class RenderStatus:
    fraction: float  # 0 to 1
    error: str = ""


class RenderCalls(SessionCalls):
    # ---- Formats -----------------------------------------------------------------------------------------

    def render_format(self) -> tuple[str, str]:
        """The ids of format and codec that the Deliver page stands on."""
        found = self.call("Project.GetCurrentRenderFormatAndCodec", self.project())
        if not isinstance(found, dict):
            return "", ""
        return str(found.get("format") or ""), str(found.get("codec") or "")

    def set_render_format(self, format: str, codec: str) -> bool:
        """Whether it is so afterwards: not all that is listed is taken."""
        if not self.call("Project.SetCurrentRenderFormatAndCodec", self.project(), format, codec):
            return False
        return self.render_format() == (format, codec)

    def codecs(self, format: str) -> list[str]:
        return [str(each) for each in self.listed("Project.GetRenderCodecs", self.project(), format)]

    def render_mode(self) -> int:
        """0: a file for each clip, 1: one file."""
        return self.number("Project.GetCurrentRenderMode", self.project())

    def set_render_mode(self, mode: int) -> bool:
        self.call("Project.SetCurrentRenderMode", self.project(), mode)
        return self.render_mode() == mode

    # ---- What the Deliver page holds cannot be read; it can be kept under a name -------------------------

    def keep_render_settings(self, name: str) -> bool:
        """Whether they are kept. Not where a preset could not be taken away again: before 19.1."""
        project = self.project()
        if self.has("Project.DeleteRenderPreset", project):
            self.call("Project.SaveAsNewRenderPreset", project, name)
        return self.are_render_settings_kept(name)

    def are_render_settings_kept(self, name: str) -> bool:
        found = self.must("Project.GetRenderPresetList", self.project())  # Resolve brings some
        return any(name in (each.values() if isinstance(each, dict) else (each,)) for each in found)

    def begin_render_settings(self) -> bool:
        """Loads one of Resolve's own presets for movies: what a page holds may render no picture, whatever is set."""
        return any(
            self.are_render_settings_kept(name) and self.put_back_render_settings(name)
            for name in MOVIE_PRESETS
        )

    def put_back_render_settings(self, name: str) -> bool:
        return bool(self.call("Project.LoadRenderPreset", self.project(), name))

    def forget_render_settings(self, name: str) -> bool:
        """Whether they are gone afterwards."""
        project = self.project()
        if self.has("Project.DeleteRenderPreset", project):
            self.call("Project.DeleteRenderPreset", project, name)
        return not self.are_render_settings_kept(name)

    # ---- Jobs --------------------------------------------------------------------------------------------

    def is_rendering(self) -> bool:
        return bool(self.call("Project.IsRenderingInProgress", self.project()))

    def set_render(
        self, folder: Path, name: str, span: RecordSpan, rate: Rate, size: tuple[int, int]
    ) -> None:
        """Pictures of *span* without sound into *folder*. All that counts is set; the page keeps the rest."""
        first, last = render_marks(span)
        settings: dict[str, Any] = {
            "SelectAllFrames": False,
            "MarkIn": first,
            "MarkOut": last,
            "TargetDir": str(folder),
            "CustomName": name,
            "ExportVideo": True,
            "ExportAudio": False,
            "FormatWidth": size[0],
            "FormatHeight": size[1],
            "FrameRate": float(rate.fps),
            "ExportAlpha": False,
        }
        self.must("Project.SetRenderSettings", self.project(), settings)

    def add_render_job(self) -> str:
        return str(self.must("Project.AddRenderJob", self.project()))

    def start_render(self, job: str) -> None:
        self.must("Project.StartRendering", self.project(), [job], False)

    def stop_render(self) -> None:
        self.call("Project.StopRendering", self.project())

    def render_status(self, job: str) -> RenderStatus:
        """How far a job is. What its JobStatus says is in the artist's language, and not read."""
        found = self.call("Project.GetRenderJobStatus", self.project(), job)
        if not isinstance(found, dict):
            return RenderStatus(0.0)
        done = float(found.get("CompletionPercentage") or 0) / 100
        return RenderStatus(done, str(found.get("Error") or ""))

    def render_jobs_into(self, folder: str) -> list[str]:
        """Ids of the jobs that write into *folder*: ours, since nobody else knows it."""
        found = self.listed("Project.GetRenderJobList", self.project())
        return [str(each.get("JobId")) for each in found if str(each.get("TargetDir", "")) == folder]

    def timeline_of_render_job(self, job: str) -> str:
        """The name of the timeline that it renders; "" while the list does not have the job yet."""
        found = self.listed("Project.GetRenderJobList", self.project())
        return next(
            (str(each.get("TimelineName", "")) for each in found if str(each.get("JobId")) == job), ""
        )

    def render_jobs(self) -> list[str]:
        """Ids of all jobs of the queue, the artist's too."""
        return [str(each.get("JobId")) for each in self.listed("Project.GetRenderJobList", self.project())]

    def delete_render_job(self, job: str) -> bool:
        return bool(self.call("Project.DeleteRenderJob", self.project(), job))
