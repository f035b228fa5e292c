"""The render queue: settings over whatever the Deliver page held, jobs that take their time, real files at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .render_formats import CODECS, FORMATS
from .rendering import AUDIO_ONLY, Plan, render
from .state import Timeline

if TYPE_CHECKING:
    from .standin import ResolveStandIn

STATUS = {
    "English": ("Ready", "Rendering", "Complete", "Cancelled", "Failed"),
    "Spanish": ("Listo", "Procesando", "Finalizado", "Cancelado", "Error"),
}
READY, RENDERING, COMPLETE, CANCELLED, FAILED = range(5)
SECONDS_PER_FRAME = 0.05
PAGE: dict[str, Any] = {"SelectAllFrames": True, "ExportVideo": True, "ExportAudio": True, "TargetDir": ""}
SHIPPED = {
    "Audio Only": (PAGE | {AUDIO_ONLY: True}, "mov", "H264", 1),
    "H.264 Master": (PAGE, "mov", "H264", 1),
    "ProRes 422 HQ": (PAGE, "mov", "ProRes422HQ", 1),
}


@dataclass(slots=True, eq=False)
class Job:
    id: str
    name: str
    plan: Plan
    foreign: bool = False
    """The artist's own, put there by hand."""
    state: int = READY
    done_s: float = 0.0
    error: str = ""
    added_s: float = 0.0
    files: list[Path] = field(default_factory=list)

    @property
    def takes_s(self) -> float:
        return max(self.plan.frame_count, 1) * SECONDS_PER_FRAME


@dataclass(slots=True)
class RenderQueue:
    standin: ResolveStandIn
    page: dict[str, Any] = field(
        default_factory=lambda: {
            "SelectAllFrames": True,
            "ExportVideo": True,
            "ExportAudio": True,
            "TargetDir": "",
        }
    )
    """What the Deliver page holds: no call reads it back (T71)."""
    format: str = "mov"
    codec: str = "H264"
    mode: int = 1
    refused: set[tuple[str, str]] = field(default_factory=set)
    """Listed pairs of format and codec that this machine's Resolve takes all the same for no (1.7)."""
    fails_with: str = ""
    """The next job that starts ends as failed, with this text."""
    list_lags: bool = False
    """A job shows in the list only once time has passed since it was added (1.7)."""
    presets: dict[str, tuple[dict[str, Any], str, str, int]] = field(default_factory=lambda: dict(SHIPPED))
    jobs: list[Job] = field(default_factory=list)
    running: list[Job] = field(default_factory=list)

    def formats(self) -> dict[str, str]:
        return FORMATS | ({"PNG": "png"} if self.standin.profile.png_renders else {})

    def choose(self, render_format: str, codec: str) -> bool:
        """Ids alone, and not each that is listed is accepted (1.7)."""
        known = render_format in self.formats().values() and codec in CODECS[render_format]
        if not known or (render_format, codec) in self.refused:
            return False
        self.format, self.codec = render_format, codec
        return True

    def set(self, settings: dict[str, Any]) -> bool:
        """Added to what the page holds; unknown keys change nothing and are answered with True (1.7)."""
        self.page |= {
            key: value for key, value in settings.items() if key in self.standin.profile.settings_keys
        }
        return True

    def load_preset(self, name: str) -> bool:
        if name not in self.presets:
            return False
        page, self.format, self.codec, self.mode = self.presets[name]
        self.page = dict(page)
        return True

    def save_preset(self, name: str) -> bool:
        """Everything of the Deliver page under a new name."""
        if name in self.presets:
            return False
        self.presets[name] = (dict(self.page), self.format, self.codec, self.mode)
        return True

    def delete_preset(self, name: str) -> bool:
        return name not in SHIPPED and self.presets.pop(name, None) is not None

    def add(self, timeline: Timeline | None, *, foreign: bool = False) -> str:
        """A job's id, or '' where no timeline is open or TargetDir is no folder (B17)."""
        target = str(self.page.get("TargetDir") or "")
        if timeline is None or not target or not Path(target).is_dir():
            return ""
        plan = Plan.of(timeline, dict(self.page), self.format, self.codec, self.mode, self.standin.profile)
        job = Job(self.standin.new_id(), f"Job {len(self.jobs) + 1}", plan, foreign)
        job.added_s = self.standin.clock.now_s
        self.jobs.append(job)
        return job.id

    def delete(self, job_id: str) -> bool:
        job = self._job(job_id)
        if job is None or job in self.running:
            return False
        self.jobs.remove(job)
        return True

    def delete_all(self) -> bool:
        self.jobs.clear()
        return True

    def start(self, ids: list[str]) -> bool:
        """Starts the named jobs, or every one that waits where none is named; False while others run."""
        chosen = [job for job in self.jobs if (job.id in ids if ids else job.state == READY)]
        if self.running or not chosen or (ids and len(chosen) != len(ids)):
            return False
        for job in chosen:
            job.state, job.done_s, job.error = RENDERING, 0.0, ""
        self.running = chosen
        return True

    def stop(self) -> None:
        for job in self.running:
            job.state = CANCELLED
        self.running = []

    def rendering(self) -> bool:
        return bool(self.running)

    def advance(self, seconds: float) -> None:
        """Time passes: the first running job works, then the next."""
        while self.running and seconds > 0:
            job = self.running[0]
            spent = min(seconds, job.takes_s - job.done_s)
            job.done_s, seconds = job.done_s + spent, seconds - spent
            if job.done_s >= job.takes_s:
                self._finish(self.running.pop(0))

    def status(self, job_id: str) -> dict[str, Any]:
        """Keys as four sources agree on them; JobStatus is in the language of the user's interface (1.7)."""
        job = self._job(job_id)
        if job is None:
            return {}
        words = STATUS[self.standin.profile.language]
        status: dict[str, Any] = {
            "JobStatus": words[job.state],
            "CompletionPercentage": round(100 * job.done_s / job.takes_s),
        }
        if job.state == RENDERING:
            status["EstimatedTimeRemainingInMs"] = round(1000 * (job.takes_s - job.done_s))
        if job.state == COMPLETE:
            status["TimeTakenToRenderInMs"] = round(1000 * job.takes_s)
        if job.error:
            status["Error"] = job.error
        return status

    def listed(self) -> list[dict[str, Any]]:
        now_s = self.standin.clock.now_s
        shown = [job for job in self.jobs if not self.list_lags or job.added_s < now_s]
        return [job.plan.listed() | {"JobId": job.id, "RenderJobName": job.name} for job in shown]

    def _finish(self, job: Job) -> None:
        job.error, self.fails_with = self.fails_with, ""
        if not job.error:
            try:
                job.files = render(job.plan)
            except (OSError, ValueError) as refused:
                job.error = f"Failed to encode the video frame: {refused}"
        job.state = FAILED if job.error else COMPLETE
        if job.error:
            job.done_s = job.takes_s / 2

    def _job(self, job_id: str) -> Job | None:
        return next((job for job in self.jobs if job.id == job_id), None)
