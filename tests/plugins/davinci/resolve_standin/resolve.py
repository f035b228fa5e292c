"""The application and its projects: Resolve, ProjectManager."""

from __future__ import annotations

from typing import Any

from .handle import Handle
from .project import ProjectHandle

PAGES = ("media", "cut", "edit", "fusion", "color", "fairlight", "deliver")


class ResolveHandle(Handle):
    _class_name = "Resolve"

    def _alive(self) -> bool:
        return True

    def GetProductName(self) -> str:
        return self._standin.profile.product_name

    def GetVersion(self) -> list[Any]:
        return [*self._standin.profile.version, self._standin.profile.build, ""]

    def GetVersionString(self) -> str:
        return ".".join(map(str, (*self._standin.profile.version, self._standin.profile.build)))

    def IsStudio(self) -> bool:
        return self._standin.profile.studio

    def GetProjectManager(self) -> ProjectManagerHandle:
        return ProjectManagerHandle(self._standin, None)

    def GetMediaStorage(self) -> Handle:
        return self._standin.media_storage()

    def GetCurrentProject(self) -> ProjectHandle | None:
        return _current_project(self)

    def GetCurrentTimeline(self) -> Handle | None:
        project = self._standin.project
        return self._standin.timeline_handle(project.current_timeline) if project else None

    def GetMediaPool(self) -> Handle | None:
        return self._standin.media_pool() if self._standin.project else None

    def Fusion(self) -> Any:
        return self._standin.fusion

    def GetCurrentPage(self) -> str | None:
        return self._standin.page

    def OpenPage(self, page: str) -> bool:
        """Lower-case names only (1.4). Deliver sets the timeline's marks to its whole length (B17)."""
        photo = ("photo",) if self._standin.profile.version >= (21, 0, 2) else ()
        if page not in (*PAGES, *photo):
            return False
        self._standin.page = page
        timeline = self._standin.project and self._standin.project.current_timeline
        if page == "deliver" and timeline:
            whole = {"in": 0, "out": max(timeline.end - timeline.start - 1, 0)}
            timeline.marks = {"video": dict(whole), "audio": dict(whole)}
        return True

    def Quit(self) -> None:
        self._standin.quit()


class ProjectManagerHandle(Handle):
    _class_name = "ProjectManager"

    def _alive(self) -> bool:
        return True

    def GetCurrentProject(self) -> ProjectHandle | None:
        return _current_project(self)

    def GetCurrentDatabase(self) -> dict[str, str] | None:
        """None while Resolve runs without a project database, though all else seems well (T6, 1.1)."""
        return {"DbType": "Disk", "DbName": "Local Database"} if self._standin.has_database else None

    def SaveProject(self) -> bool | None:
        """False for "Untitled Project"; without a window that call never comes back (1.4, B21)."""
        project = self._standin.project
        if not self._standin.has_database or project is None:
            return None
        if project.name == "Untitled Project":
            if self._standin.profile.headless:
                self._standin.hang()
            return False
        project.saves += 1
        return True

    def CreateProject(self, name: str, media_location: str = "", /) -> ProjectHandle | None:
        if not self._standin.has_database or name in self._standin.projects:
            return None
        self._standin.open_project(self._standin.new_project(name))
        return _current_project(self)

    def LoadProject(self, name: str) -> ProjectHandle | None:
        project = self._standin.projects.get(name)
        if not self._standin.has_database or project is None:
            return None
        self._standin.open_project(project)
        return _current_project(self)

    def DeleteProject(self, name: str) -> bool:
        if self._standin.project is None or name == self._standin.project.name:
            return False
        return self._standin.projects.pop(name, None) is not None

    def CloseProject(self, project: ProjectHandle) -> bool:
        if not project._alive():
            return False
        self._standin.open_project(self._standin.new_project("Untitled Project"))
        return True

    def GetProjectListInCurrentFolder(self) -> list[str]:
        return sorted(self._standin.projects)


def _current_project(handle: Handle) -> ProjectHandle | None:
    project = handle._standin.project
    return ProjectHandle(handle._standin, project) if project else None
