"""What is asked of an analysis, against the clip it is of: completed, known again, or refused."""

from __future__ import annotations

import hashlib

from understudy_api.v1 import analysis_pb2, media_pb2
from understudy_engine.errors import FrameRangeOutside, UnsupportedMedia
from understudy_engine.preprocess.options import refuse_click
from understudy_engine.types import FrameRange, FrameSize

from ..convert import person_choice
from ..errors import AnalysisUnfinished
from ..store import MediaFile
from ..words import KIND_WORDS

MOVING = (media_pb2.MEDIA_KIND_VIDEO, media_pb2.MEDIA_KIND_IMAGE_SEQUENCE)


def whole_spec(asked: analysis_pb2.AnalysisSpec, clip: media_pb2.MediaAsset) -> analysis_pb2.AnalysisSpec:
    """*asked* in the one way of saying it; raises what an analysis of *clip* would fail with at its start."""
    if clip.kind not in MOVING:
        raise UnsupportedMedia(
            f"The clip must be a movie or a folder of numbered pictures; '{clip.display_name}' is "
            f"{KIND_WORDS[clip.kind]}.",
            file=clip.display_name,
        )
    spec = analysis_pb2.AnalysisSpec()
    spec.CopyFrom(asked)
    frames = FrameRange(0, clip.probe.frame_count)
    if asked.HasField("range"):
        refuse_outside(FrameRange(asked.range.start, asked.range.end), frames)
    else:
        spec.range.start, spec.range.end = frames.start, frames.end
    if asked.HasField("person"):
        size = FrameSize(clip.probe.size.width, clip.probe.size.height)
        refuse_click(person_choice(spec.person), frames_of(spec), size, "looked through")
        spec.person.names[:] = [name.upper() for name in asked.person.names]
        if not spec.person.names and not spec.person.HasField("at"):
            spec.ClearField("person")
    return spec


def frames_of(spec: analysis_pb2.AnalysisSpec) -> FrameRange:
    """Of the clip; *spec* is a whole one."""
    return FrameRange(spec.range.start, spec.range.end)


def content_of(spec: analysis_pb2.AnalysisSpec, clip: MediaFile) -> bytes:
    """The same for the same file, range and settings, whatever asset names the file."""
    told = analysis_pb2.AnalysisSpec()
    told.CopyFrom(spec)
    told.clip = ""
    words = f"{clip.path} {clip.identity} ".encode()
    return hashlib.sha256(words + told.SerializeToString(deterministic=True)).digest()


def refuse_outside(frames: FrameRange, own: FrameRange) -> None:
    if not (own.start <= frames.start and frames.end <= own.end):
        raise FrameRangeOutside(
            f"Frames {frames.start} to {frames.end - 1} were asked for, but there are frames {own.start} to "
            f"{own.end - 1}. Choose frames among those.",
            start=frames.start,
            end=frames.end,
        )


def unfinished(analysis: analysis_pb2.Analysis, what: str) -> AnalysisUnfinished:
    state = analysis_pb2.AnalysisState.Name(analysis.state).removeprefix("ANALYSIS_STATE_")
    return AnalysisUnfinished(
        f"{what} is not known yet: the analysis is {state}. Wait for it; one that failed or was cancelled is begun "
        "again by CreateAnalysis.",
        analysis=analysis.name,
        state=state,
    )
