"""A request's pose and matte options: what they add to a plan's settings, and which of them could change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ..errors import FrameRangeOutside, RequestError
from ..types import (
    Choice,
    Clicked,
    FrameRange,
    FrameSize,
    Largest,
    LimbFactors,
    MatteOptions,
    Mode,
    Named,
    Proportions,
    SwapRequest,
)
from .missing import to_find


def finds_character(request: SwapRequest) -> bool:
    """Whether the character's own points are looked for in its picture."""
    return request.pose.proportions is Proportions.CHARACTER


def pose_settings(request: SwapRequest) -> Mapping[str, Any]:
    """The pose options that change something; none where all are as they come."""
    options, found = request.pose, dict[str, Any]()
    if isinstance(options.person, Named):
        found["person"] = list(options.person.names)
    if isinstance(options.person, Clicked):
        found["person"] = asdict(options.person)
    if finds_character(request):
        found["proportions"] = options.proportions.value
    if options.limbs != LimbFactors():
        found["limbs"] = asdict(options.limbs)
    flags = {"steady_faces": options.steady_faces, "reference_bgr": options.reference_bgr}
    return found | {name: True for name, is_set in flags.items() if is_set}


def matte_settings(options: MatteOptions) -> Mapping[str, Any]:
    """All of them, but what grows otherwise only where that was asked for."""
    parts = ("grow_hair_px", "grow_clothes_px")
    return {name: value for name, value in asdict(options).items() if name not in parts or value is not None}


def refuse_idle(request: SwapRequest) -> None:
    """Raises RequestError for a pose option that could change nothing, or nothing good, in this request."""
    for sentence in _idle(request):
        raise RequestError(sentence)


def _idle(request: SwapRequest) -> Iterator[str]:
    options, files = request.pose, request.passes
    looks_around = files.keypoints is None and bool(to_find(request))
    if finds_character(request) and request.mode is Mode.REPLACE:
        yield (
            "Replace keeps the person's own proportions, since the character takes their place in the picture. Leave "
            "out the character's proportions, or set limb factors."
        )
    if request.mode is Mode.ANIMATE and (files.garbage or files.keep):
        yield "Animate makes the whole picture, so there is nothing to mask. Leave out the garbage and keep masks."
    if request.matte.grows_parts and files.pose and not files.keypoints:
        yield (
            "A drawn skeleton does not tell where head and body are, so the matte cannot grow by parts. Supply "
            "keypoints beside it, or leave out the growth of hair and clothes."
        )
    moves = files.corrections or options.limbs != LimbFactors() or finds_character(request)
    if moves and files.pose is not None:
        yield (
            "A drawn skeleton is followed as it is drawn: corrections, limb factors and the character's proportions "
            "need points. Leave out the skeleton, or those."
        )
    if moves and request.clip is None:
        yield "Corrections, limb factors and the character's proportions need a clip. Name the clip."
    if options.person != Largest() and not looks_around:
        yield "Nobody is looked for, since passes of yours say whom to follow. Leave out those, or the person."
    if options.reference_bgr and not (looks_around or finds_character(request) or files.face_clip):
        yield "No keypoints are looked for, so swapped channels change nothing. Leave out reference_bgr."
    faces = [file for file in (files.face, files.face_boxes, files.face_clip) if file]
    if options.steady_faces and (faces or request.clip is None):
        yield "Face passes of yours need no steadying. Leave out those, or the steadied faces."
    if files.face_clip and len(faces) > 1:
        yield "The face clip and face crops or boxes both say which face is followed. Leave out one of the two."


def refuse_click_outside(request: SwapRequest, frames: FrameRange, size: FrameSize) -> None:
    """Raises FrameRangeOutside or RequestError for a click beside *frames* of the clip, or beside its picture."""
    refuse_click(request.pose.person, frames, size, "made")


def refuse_click(choice: Choice, frames: FrameRange, size: FrameSize, done: str) -> None:
    """The same of any choice; *done* says what becomes of *frames*."""
    if not isinstance(choice, Clicked):
        return
    if choice.frame not in frames.indices:
        raise FrameRangeOutside(
            f"The person was clicked in frame {choice.frame}, but frames {frames.start} to {frames.end - 1} are "
            f"{done}. Click in one of those.",
            frame=choice.frame,
            start=frames.start,
            end=frames.end,
        )
    if not (0 <= choice.x < size.width and 0 <= choice.y < size.height):
        raise RequestError(
            f"The click at {choice.x:g}, {choice.y:g} lies outside the clip's {size.width}x{size.height} pixels. Click "
            "on the person.",
            x=choice.x,
            y=choice.y,
        )
