"""Why a call to Resolve usually fails, and what the artist can do: the texts of CallFailed."""

from __future__ import annotations

GENERAL = ("the answer was no, without a reason", "Close open dialogs in Resolve, then try again.")

CAUSES = {
    "Resolve.OpenPage": ("the page cannot be opened now", "Close open dialogs in Resolve, then try again."),
    "Resolve.GetProjectManager": ("no project library answers", "Open a project in Resolve, then try again."),
    "ProjectManager.GetCurrentProject": ("no project is open", "Open a project in Resolve, then try again."),
    "Project.GetCurrentTimeline": ("no timeline is open", "Open a timeline, then try again."),
    "Project.SetCurrentTimeline": (
        "the timeline is not there any more",
        "Open the timeline that the clip is on, then try again.",
    ),
    "Project.AddRenderJob": (
        "the Deliver page refused the job",
        "Open the Deliver page once and look whether its settings show an error, then try again.",
    ),
    "Project.SetRenderSettings": (
        "the Deliver page refused the settings",
        "Close open dialogs in Resolve, then try again.",
    ),
    "Project.StartRendering": (
        "the render queue did not start",
        "Stop what renders on the Deliver page, then try again.",
    ),
    "Project.ExportCurrentFrameAsStill": (
        "the playhead shows no frame, or the folder cannot be written",
        "Put the playhead on a frame of the timeline, then try again.",
    ),
    "MediaPool.ImportMedia": (
        "Resolve cannot read the file",
        "Import the file by hand; it is kept where the message says.",
    ),
    "MediaPool.AppendToTimeline": (
        "the track is locked or occupied, or the frames do not fit",
        "Unlock the track or clear the place, then try again.",
    ),
    "MediaPool.CreateEmptyTimeline": (
        "the name is taken or the project is read only",
        "Delete timelines called “Understudy …” that are left over, then try again.",
    ),
    "Timeline.DuplicateTimeline": (
        "the timeline cannot be copied",
        "Delete timelines called “Understudy …” that are left over, then try again.",
    ),
    "Timeline.AddTrack": (
        "the timeline takes no further track",
        "Add a video track by hand, then try again.",
    ),
    "Timeline.DeleteClips": (
        "clips can be deleted on the Edit page alone",
        "Open the Edit page, then try again.",
    ),
}

DEAD = ("what it was asked of does not exist any more", "Select the clip again, then try again.")


def cause_of(name: str) -> tuple[str, str]:
    """The likely cause, and the next step."""
    if name in CAUSES:
        return CAUSES[name]
    return DEAD if name.startswith(("TimelineItem.Get", "MediaPoolItem.Get")) else GENERAL
