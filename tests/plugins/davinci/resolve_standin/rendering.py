"""One render job carried out: which frames of which timeline, under which names."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from .media_file import Pixels, frame_at
from .picture import fitted, shown_at
from .profiles import Profile
from .render_formats import CODECS, SEQUENCES, write_movie, write_silence, write_still
from .state import Item, Timeline
from .timecode import frame_of, rate_of, setting_of, timecode_of

SINGLE, INDIVIDUAL = 1, 0
AUDIO_ONLY = "(audio only)"
"""What a preset of that name leaves on the page beyond any key: jobs say video, their files have none (T71)."""


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a job was given when it was added: settings are copied, the timeline is looked at when it renders."""

    timeline: Timeline
    settings: dict[str, Any]
    format: str
    codec: str
    mode: int
    first: int
    last: int
    """Absolute frames, both included."""
    handles: int

    @classmethod
    def of(
        cls,
        timeline: Timeline,
        settings: dict[str, Any],
        render_format: str,
        codec: str,
        mode: int,
        profile: Profile,
    ) -> Plan:
        first, last = timeline.start, max(timeline.end - 1, timeline.start)
        if not settings.get("SelectAllFrames"):
            first, last = int(settings.get("MarkIn", first)), int(settings.get("MarkOut", last))
        honoured = mode == INDIVIDUAL and profile.honours_frame_handles
        return cls(
            timeline=timeline,
            settings=settings,
            format=render_format,
            codec=codec,
            mode=mode,
            first=first,
            last=last,
            handles=int(settings.get("AddFrameHandles", 0)) if honoured else 0,
        )

    @property
    def frame_count(self) -> int:
        return self.last - self.first + 1

    @property
    def size(self) -> tuple[int, int]:
        custom = self.settings.get("FormatWidth"), self.settings.get("FormatHeight")
        names = "timelineResolutionWidth", "timelineResolutionHeight"
        width, height = (
            int(given or self.timeline.settings[name]) for given, name in zip(custom, names, strict=True)
        )
        return width, height

    @property
    def name(self) -> str:
        return str(self.settings.get("CustomName") or self.timeline.name)

    @property
    def rate(self) -> Fraction:
        return rate_of(self.timeline.settings["timelineFrameRate"])

    def listed(self) -> dict[str, Any]:
        """The keys of GetRenderJobList (1.7); FrameRate is text."""
        return {
            "TimelineName": self.timeline.name,
            "TargetDir": self.settings["TargetDir"],
            "IsExportVideo": self.settings.get("ExportVideo", True),
            "IsExportAudio": self.settings.get("ExportAudio", True),
            "FormatWidth": self.size[0],
            "FormatHeight": self.size[1],
            "FrameRate": self.timeline.settings["timelineFrameRate"],
            "MarkIn": self.first,
            "MarkOut": self.last,
            "ExportAlpha": bool(self.settings.get("ExportAlpha")),
            "OutputFilename": f"{self.name}.{self.format}",
            "RenderMode": "Single clip" if self.mode == SINGLE else "Individual clips",
            "PresetName": "Custom",
            "VideoFormat": self.format,
            "VideoCodec": CODECS[self.format][self.codec].description,
        }


def render(plan: Plan) -> list[Path]:
    """The files written. Raises OSError and ValueError as FFmpeg and the disk do."""
    if plan.settings.get(AUDIO_ONLY):
        path = _free(Path(plan.settings["TargetDir"]) / f"{plan.name}.{plan.format}", False)
        write_silence(path, float(plan.frame_count / plan.rate))
        return [path]
    if plan.mode == SINGLE:
        pictures = [shown_at(plan.timeline, frame, plan.size) for frame in range(plan.first, plan.last + 1)]
        timecode = timecode_of(plan.first, plan.timeline.settings["timelineFrameRate"])
        return written(plan, plan.name, pictures, plan.rate, timecode, plan.first)
    files: list[Path] = []
    for number, item in enumerate(rendered_items(plan)):
        files += render_item(plan, item, number)
    return files


def rendered_items(plan: Plan) -> list[Item]:
    """Individual clips: each enabled one with media whose span meets the range."""
    tracks = [track for track in plan.timeline.tracks["video"] if track.enabled]
    return [
        item
        for track in tracks
        for item in track.items
        if item.enabled and item.media and item.start <= plan.last and item.end > plan.first
    ]


def render_item(plan: Plan, item: Item, number: int) -> list[Path]:
    """One clip at its own rate and timecode, with handles as far as its media reaches (B19)."""
    media = item.media
    assert media is not None
    assert media.path is not None
    first = max(item.source_start - plan.handles, 0)
    last = min(item.source_start + item.source_span + plan.handles, media.frames)
    found = [frame_at(media.path, frame, media.sequence_start) for frame in range(first, last)]
    pictures = [fitted(picture, plan.size) for picture in found if picture is not None]
    setting = setting_of(media.rate)
    start = (frame_of(media.start_timecode, setting) or 0) + first
    return written(
        plan, f"{plan.name}_V1-{number + 1:04d}", pictures, media.rate, timecode_of(start, setting), start
    )


def written(
    plan: Plan, name: str, pictures: list[Pixels], rate: Fraction, timecode: str, first_number: int
) -> list[Path]:
    folder, codec = Path(plan.settings["TargetDir"]), CODECS[plan.format][plan.codec]
    alpha = bool(plan.settings.get("ExportAlpha"))
    if not pictures:
        raise ValueError("no frames")
    if plan.format in SEQUENCES:
        numbers = range(first_number, first_number + len(pictures))
        files = [folder / f"{name}{number:08d}.{plan.format}" for number in numbers]
        for path, picture in zip(files, pictures, strict=True):
            write_still(path, picture, codec, alpha)
        return files
    path = _free(folder / f"{name}.{plan.format}", bool(plan.settings.get("ReplaceExistingFilesInPlace")))
    write_movie(path, pictures, codec, rate, timecode, alpha)
    return [path]


def _free(path: Path, replace: bool) -> Path:
    """An existing file is kept, and the new one is called name_0, name_1 … (1.7)."""
    candidate, number = path, 0
    while candidate.exists() and not replace:
        candidate, number = path.with_stem(f"{path.stem}_{number}"), number + 1
    return candidate
