"""One scenario on any Resolve, written down call by call: to compare the stand-in with the real one.

On a machine with Resolve Studio open and "External scripting using" set to Local:

    python -m tests.plugins.davinci.live_resolve transcript.jsonl --media /path/of/any/clip.mov

It works in a project of its own, "Understudy transcript", and leaves it for you to delete. With --compare OLD.jsonl it
says where two transcripts differ. The stand-in's own transcript comes from --standin PROFILE.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = "Understudy transcript"
IDS = ("UniqueId", "MediaId")
WAIT_S = 120.0


@dataclass(slots=True)
class Transcript:
    """Calls and what came back; a call that raises is written down as well."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def call(self, symbol: str, target: Any, *arguments: Any) -> Any:
        try:
            answer = getattr(target, symbol.partition(".")[2])(*arguments)
        except Exception as raised:  # whatever Resolve does belongs in the transcript
            self.lines.append({"call": symbol, "raised": type(raised).__name__})
            return None
        self.lines.append(
            {"call": symbol, "arguments": shape(arguments, symbol), "answer": shape(answer, symbol)}
        )
        return answer


def shape(value: Any, symbol: str = "") -> Any:
    """A value that two machines can compare: objects by their class, ids and paths by what they are."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return "<id>" if symbol.endswith(IDS) else "<path>" if "/" in value or "\\" in value else value
        case list() | tuple():
            return [shape(each, symbol) for each in value]
        case dict():
            return {str(key): shape(each, symbol) for key, each in sorted(value.items(), key=str)}
        case _:
            return "<object>"


def scenario(resolve: Any, media: Path, folder: Path, sleep: Callable[[float], None]) -> Transcript:
    """The calls that the plugin rests on, in a project of their own. *folder* gets one small render."""
    told = Transcript()
    call = told.call
    call("Resolve.GetProductName", resolve)
    call("Resolve.GetVersion", resolve)
    manager = call("Resolve.GetProjectManager", resolve)
    call("ProjectManager.GetCurrentDatabase", manager)
    project = call("ProjectManager.CreateProject", manager, PROJECT) or call(
        "ProjectManager.LoadProject", manager, PROJECT
    )
    pool = call("Project.GetMediaPool", project)
    call("Resolve.OpenPage", resolve, "edit")
    clip = first(call("MediaPool.ImportMedia", pool, [str(media)]))
    for key in ("FPS", "Frames", "Start TC", "Type", "No such key"):
        call("MediaPoolItem.GetClipProperty", clip, key)
    timeline = call("MediaPool.CreateEmptyTimeline", pool, "Edit")
    item = placing(call, project, pool, clip, timeline)
    reading(call, timeline, item)
    labelling(call, timeline, item, clip)
    rendering(call, project, folder, sleep)
    call("Timeline.DeleteClips", timeline, [item], False)
    call("TimelineItem.GetStart", item)
    call("TimelineItem.GetUniqueId", item)
    call("MediaPool.DeleteTimelines", pool, [timeline])
    return told


def placing(call: Callable[..., Any], project: Any, pool: Any, clip: Any, timeline: Any) -> Any:
    """Where clips go, and where they do not: twice into one place, onto a track that is not there, by a float."""
    start = int(call("Timeline.GetStartFrame", timeline) or 0)
    call("Project.GetSetting", project, "timelineFrameRate")
    call("Timeline.GetSetting", timeline, "timelineResolutionWidth")
    call("MediaPool.SetSelectedClip", pool, clip)
    info = {
        "mediaPoolItem": clip,
        "startFrame": 4,
        "endFrame": 12,
        "recordFrame": start + 10,
        "trackIndex": 1,
    }
    item = first(call("MediaPool.AppendToTimeline", pool, [info | {"mediaType": 1}]))
    call("MediaPool.AppendToTimeline", pool, [info | {"mediaType": 1}])
    call("MediaPool.AppendToTimeline", pool, [info | {"trackIndex": 9}])
    call("MediaPool.AppendToTimeline", pool, [info | {"endFrame": 12.0, "recordFrame": start + 200}])
    call("Timeline.GetItemListInTrack", timeline, "video", 1)
    call("Timeline.GetItemListInTrack", timeline, "video", 9)
    call("Timeline.AddTrack", timeline, "video")
    call("Timeline.AddTrack", timeline, "video", {"index": 1})
    call("Timeline.GetTrackCount", timeline, "video")
    call("Timeline.GetTrackName", timeline, "video", 9)
    return item


def reading(call: Callable[..., Any], timeline: Any, item: Any) -> None:
    for edge in (
        "Start",
        "End",
        "Duration",
        "LeftOffset",
        "RightOffset",
        "SourceStartFrame",
        "SourceEndFrame",
    ):
        call(f"TimelineItem.Get{edge}", item)
    call("TimelineItem.GetTrackTypeAndIndex", item)
    call("Timeline.SetCurrentTimecode", timeline, "00:00:00:00")
    call("Timeline.GetCurrentTimecode", timeline)
    call("Timeline.SetMarkInOut", timeline, 10, 17, "all")
    call("Timeline.GetMarkInOut", timeline)


def labelling(call: Callable[..., Any], timeline: Any, item: Any, clip: Any) -> None:
    for color in ("Teal", "Rose"):
        call("TimelineItem.SetClipColor", item, color)
    call("TimelineItem.GetClipColor", item)
    call("Timeline.AddMarker", timeline, 12, "Cyan", "Understudy", "", 1, "understudy:1")
    call("Timeline.GetMarkers", timeline)
    call("TimelineItem.AddMarker", item, 6, "Cyan", "Understudy", "", 1, "understudy:1")
    call("TimelineItem.GetMarkers", item)
    call("TimelineItem.GetTakesCount", item)
    call("TimelineItem.AddTake", item, clip, 2, 10)
    call("TimelineItem.GetTakesCount", item)
    call("TimelineItem.GetSelectedTakeIndex", item)
    call("TimelineItem.GetTakeByIndex", item, 2)
    call("TimelineItem.SelectTakeByIndex", item, 2)
    call("TimelineItem.GetLeftOffset", item)
    call("TimelineItem.GetDuration", item)
    call("MediaPoolItem.SetClipProperty", clip, "Reel Name", "A001")
    call("MediaPoolItem.GetClipProperty", clip, "Reel Name")


def rendering(call: Callable[..., Any], project: Any, folder: Path, sleep: Callable[[float], None]) -> None:
    call("Project.SetCurrentRenderFormatAndCodec", project, "mov", "ProRes422HQ")
    call("Project.GetCurrentRenderFormatAndCodec", project)
    marks = {
        "SelectAllFrames": False,
        "MarkIn": 86412,
        "MarkOut": 86413,
        "TargetDir": str(folder),
        "CustomName": "two",
    }
    call("Project.SetRenderSettings", project, {**marks, "NoSuchKey": 1})
    job = call("Project.AddRenderJob", project)
    call("Project.StartRendering", project, [job], False)
    waited_s = 0.0
    while project.IsRenderingInProgress() and waited_s < WAIT_S:
        sleep(1.0)
        waited_s += 1.0
    call("Project.GetRenderJobStatus", project, job)
    call("Project.DeleteRenderJob", project, job)


def first(answers: Any) -> Any:
    return answers[0] if answers else None


def differences(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> Iterator[str]:
    """A sentence a call whose answer differs, by place in the scenario."""
    if len(ours) != len(theirs):
        yield f"{len(ours)} calls against {len(theirs)}: not the same scenario"
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), 1):
        if one != other:
            yield f"{number} {one['call']}: {one.get('answer', 'raised')!r} against {other.get('answer', 'raised')!r}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--media", type=Path, required=True, help="a clip of at least 24 frames")
    parser.add_argument("--standin", metavar="PROFILE", help="run on the stand-in instead of on Resolve")
    parser.add_argument("--compare", type=Path, help="an older transcript")
    options = parser.parse_args()
    resolve, sleep = standin_of(options.standin) if options.standin else (live(), time.sleep)
    with tempfile.TemporaryDirectory() as folder:
        lines = scenario(resolve, options.media.resolve(), Path(folder), sleep).lines
    options.out.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    if options.compare:
        older = [json.loads(line) for line in options.compare.read_text(encoding="utf-8").splitlines()]
        for difference in differences(lines, older):
            print(difference)  # noqa: T201 (a program that a person calls)


def standin_of(profile: str) -> tuple[Any, Callable[[float], None]]:
    from .resolve_standin import ResolveStandIn

    standin = ResolveStandIn(profile)
    return standin.resolve, standin.clock.sleep


def live() -> Any:
    resolve = importlib.import_module("DaVinciResolveScript").scriptapp("Resolve")
    if resolve is None:
        raise SystemExit("Resolve does not answer: open Resolve Studio and allow external scripting (Local).")
    return resolve


if __name__ == "__main__":
    main()
