"""Edition, version, page, project: what is asked before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import Refusal
from .calling import Calling
from .handles import Project, Timeline

OLDEST = (19, 0)
PAGES = ("media", "cut", "edit", "fusion", "color", "fairlight", "deliver")


@dataclass(frozen=True, slots=True)
class Edition:
    """Which Resolve this is."""

    product: str  # "DaVinci Resolve Studio"
    version: tuple[int, ...]  # (21, 0, 4)

    @property
    def is_studio(self) -> bool:
        return self.product.strip().endswith("Studio")

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(str(part) for part in self.version)}"


class SessionCalls(Calling):
    # ---- Which Resolve -----------------------------------------------------------------------------------

    def edition(self) -> Edition:
        """Read before anything else: much of what a free edition lacks shows a dialog that blocks all later calls.

        Raises:
            Refusal: it is too old.
        """
        product = self.must("Resolve.GetProductName", self.resolve)
        version = self.must("Resolve.GetVersion", self.resolve)
        numbers = tuple(int(part) for part in list(version)[:3])
        found = Edition(str(product), numbers)
        if numbers[:2] < OLDEST:
            raise Refusal(f"Understudy needs DaVinci Resolve 19.0 or later; this is {found}. Update Resolve.")
        return found

    def is_alive(self) -> bool:
        """Whether a project library is attached: version and name are told even without one."""
        manager = self.call("Resolve.GetProjectManager", self.resolve)
        return bool(manager and self.call("ProjectManager.GetCurrentDatabase", manager))

    # ---- Pages -------------------------------------------------------------------------------------------

    def page(self) -> str:
        """ "" where there is none: Resolve runs without its window."""
        return self.text("Resolve.GetCurrentPage", self.resolve)

    def open_page(self, page: str) -> None:
        """Raises CallFailed unless *page* is the open one afterwards. Nothing happens where there are no pages."""
        before = self.page()
        if before in (page, ""):
            return
        self.must("Resolve.OpenPage", self.resolve, page)
        if self.page() != page:
            raise self.failed("Resolve.OpenPage", (page,))

    # ---- Project -----------------------------------------------------------------------------------------

    def project(self) -> Project:
        """The open one. Asked for whenever it is needed: handles die when the artist opens another."""
        manager = self.must("Resolve.GetProjectManager", self.resolve)
        return Project(self.must("ProjectManager.GetCurrentProject", manager))

    def project_id(self) -> str:
        return self.name("Project.GetUniqueId", self.project())

    def project_name(self) -> str:
        return self.text("Project.GetName", self.project())

    def project_setting(self, key: str) -> str:
        """ "" where Resolve does not know *key*."""
        return self.text("Project.GetSetting", self.project(), key)

    def is_managed(self) -> bool:
        """Whether Resolve converts colours by itself: colour management or ACES."""
        mode = self.project_setting("colorScienceMode")
        return mode.endswith("ColorManagedv2") or mode.lower().startswith("aces")

    # ---- Timelines of the project ------------------------------------------------------------------------

    def timeline(self) -> Timeline | None:
        """The current one."""
        found = self.call("Project.GetCurrentTimeline", self.project())
        return Timeline(found) if found else None

    def timelines(self) -> list[Timeline]:
        project = self.project()
        count = self.number("Project.GetTimelineCount", project)
        numbers = range(1, count + 1)
        return [Timeline(self.must("Project.GetTimelineByIndex", project, number)) for number in numbers]

    def timeline_by_id(self, timeline_id: str) -> Timeline | None:
        return next((each for each in self.timelines() if self.timeline_id(each) == timeline_id), None)

    def timeline_id(self, timeline: Timeline) -> str:
        return self.name("Timeline.GetUniqueId", timeline)

    def timeline_name(self, timeline: Timeline) -> str:
        return self.name("Timeline.GetName", timeline)

    def is_shown(self, timeline: Timeline) -> bool:
        """Whether it is the current one. Clips are appended to that, and render jobs made of it."""
        current = self.timeline()
        return current is not None and self.timeline_id(current) == self.timeline_id(timeline)

    def show_timeline(self, timeline: Timeline) -> None:
        """Raises CallFailed unless *timeline* is the current one afterwards."""
        if self.is_shown(timeline):
            return
        self.must("Project.SetCurrentTimeline", self.project(), timeline)
        if not self.is_shown(timeline):
            raise self.failed("Project.SetCurrentTimeline", (timeline,))

    # ---- Stills ------------------------------------------------------------------------------------------

    def save_still(self, path: Path) -> None:
        """The frame under the playhead, as the timeline shows it. Raises CallFailed if no file came of it."""
        self.must("Project.ExportCurrentFrameAsStill", self.project(), str(path))
        if not path.is_file() or not path.stat().st_size:
            raise self.failed("Project.ExportCurrentFrameAsStill", (str(path),))
